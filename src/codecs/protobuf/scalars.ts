/**
 * The scalar types of protobuf: how each is read, checked and written, and what ProtoJSON writes for it.
 * https://protobuf.dev/programming-guides/proto3/#scalar and https://protobuf.dev/programming-guides/json/
 */
import type { Enum, Reader, Writer } from "protobufjs";
import type { Value } from "../../handler.ts";
import { suggestion } from "../../wording.ts";
import { describe, Fault } from "./fault.ts";

/** One type of a field: a scalar, an enum or a message. */
export interface Kind {
  /** As it stands in error messages: `int32`, `shop.Order`. */
  readonly name: string;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wireType: 0 | 1 | 2 | 5;
  /** Whether null is a value of this type, rather than an absent member. */
  readonly takesNull: boolean;
  /**
   * One value without its tag; `undefined` for a number that a closed enum does not have, which counts as an unknown field.
   * A message that comes in several pieces is merged into `existing`.
   */
  read(reader: Reader, depth: number, existing?: Value): Value | undefined;
  /** Checks one value and writes it without its tag. Throws a {@link Fault}. */
  write(writer: Writer, value: unknown, depth: number): void;
  /** What `write` takes, from ProtoJSON. What is wrong here and would be refused by `write` anyway passes as it is. */
  fromJson(json: unknown, depth: number): unknown;
  /** Whether a field without presence leaves this value out. */
  isDefault(value: unknown): boolean;
  /** What a map entry without a value holds. */
  zero(): Value;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** An integer that JavaScript holds in a number. */
function integer(name: "int32" | "uint32" | "sint32" | "fixed32" | "sfixed32"): Kind {
  const signed = name !== "uint32" && name !== "fixed32";
  const [least, most] = signed ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return {
    name,
    wireType: name === "fixed32" || name === "sfixed32" ? 5 : 0,
    takesNull: false,
    read: (reader) => reader[name](),
    write(writer, value) {
      if (typeof value !== "number") throw new Fault(`expected ${name}, got ${describe(value)}`);
      if (!Number.isInteger(value)) throw new Fault(`${value} is no integer, and this is ${name}`);
      if (value < least || value > most) throw new Fault(`${value} is out of range for ${name} (${least} to ${most})`);
      writer[name](value);
    },
    fromJson: numberFromJson,
    isDefault: (value) => value === 0,
    zero: () => 0,
  };
}

/** A 64-bit integer: a number inside ±(2^53-1), a bigint outside. */
function longInteger(name: "int64" | "uint64" | "sint64" | "fixed64" | "sfixed64"): Kind {
  const signed = name !== "uint64" && name !== "fixed64";
  const [least, most] = signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  return {
    name,
    wireType: name === "fixed64" || name === "sfixed64" ? 1 : 0,
    takesNull: false,
    read: (reader) => fromLong(reader[name]() as LongBits),
    write(writer, value) {
      if (typeof value === "number") {
        if (!Number.isInteger(value)) throw new Fault(`${value} is no integer, and this is ${name}`);
        if (!Number.isSafeInteger(value)) {
          throw new Fault(
            `${value} is beyond ±(2^53-1) and may have lost digits; give a bigint (in JSON a decimal string)`,
          );
        }
        if (value < 0 && !signed) throw new Fault(`${value} is out of range for ${name} (${least} to ${most})`);
        writer[name](value);
        return;
      }
      if (typeof value !== "bigint") throw new Fault(`expected ${name}, got ${describe(value)}`);
      if (value < least || value > most)
        throw new Fault(`${describe(value)} is out of range for ${name} (${least} to ${most})`);
      writer[name](toLong(value, !signed));
    },
    fromJson: integerFromJson,
    isDefault: (value) => value === 0 || value === 0n,
    zero: () => 0,
  };
}

function float(name: "float" | "double"): Kind {
  return {
    name,
    wireType: name === "float" ? 5 : 1,
    takesNull: false,
    read: (reader) => reader[name](),
    write(writer, value) {
      if (typeof value !== "number") throw new Fault(`expected ${name}, got ${describe(value)}`);
      if (name === "float" && Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
        throw new Fault(`${value} is out of range for float (32 bits)`);
      }
      writer[name](value);
    },
    fromJson: (json) =>
      json === "NaN" || json === "Infinity" || json === "-Infinity" ? Number(json) : numberFromJson(json),
    isDefault: (value) => Object.is(value, 0),
    zero: () => 0,
  };
}

const bool: Kind = {
  name: "bool",
  wireType: 0,
  takesNull: false,
  read: (reader) => reader.bool(),
  write(writer, value) {
    if (typeof value !== "boolean") throw new Fault(`expected bool, got ${describe(value)}`);
    writer.bool(value);
  },
  fromJson: (json) => json,
  isDefault: (value) => value === false,
  zero: () => false,
};

const string: Kind = {
  name: "string",
  wireType: 2,
  takesNull: false,
  read: (reader) => reader.stringVerify(),
  write(writer, value) {
    if (typeof value !== "string") throw new Fault(`expected string, got ${describe(value)}`);
    if (LONE_SURROGATE.test(value)) throw new Fault("half of a surrogate pair can't be written as UTF-8");
    writer.string(value);
  },
  fromJson: (json) => json,
  isDefault: (value) => value === "",
  zero: () => "",
};

const bytes: Kind = {
  name: "bytes",
  wireType: 2,
  takesNull: false,
  // A copy, so that the value neither holds the whole message in memory nor changes with it.
  read: (reader) => new Uint8Array(reader.bytes()),
  write(writer, value) {
    if (!(value instanceof Uint8Array)) throw new Fault(`expected bytes (a Uint8Array), got ${describe(value)}`);
    writer.bytes(value);
  },
  fromJson: bytesFromJson,
  isDefault: (value) => value instanceof Uint8Array && value.length === 0,
  zero: () => new Uint8Array(0),
};

/** Every scalar type by its name in a .proto file. */
export const SCALARS: ReadonlyMap<string, Kind> = new Map(
  [
    ...(["int32", "uint32", "sint32", "fixed32", "sfixed32"] as const).map(integer),
    ...(["int64", "uint64", "sint64", "fixed64", "sfixed64"] as const).map(longInteger),
    ...(["float", "double"] as const).map(float),
    bool,
    string,
    bytes,
  ].map((kind) => [kind.name, kind]),
);

/** An enum: names both ways. A number without a name stays a number if the enum is open (proto3). */
export function enumKind(name: string, reflected: Enum, closed: boolean): Kind {
  const numbers = new Map(Object.entries(reflected.values));
  const names = new Map(Object.entries(reflected.valuesById).map(([number, text]) => [Number(number), text]));
  const first = numbers.values().next().value ?? 0;

  function numberOf(value: unknown): number {
    if (typeof value === "string") {
      const number = numbers.get(value);
      if (number === undefined) {
        throw new Fault(`${describe(value)} is no name of the enum ${name}${suggestion(value, numbers.keys())}`);
      }
      return number;
    }
    if (typeof value !== "number") throw new Fault(`expected a name of the enum ${name}, got ${describe(value)}`);
    if (value !== (value | 0) || (closed && !names.has(value)))
      throw new Fault(`${value} is no number of the enum ${name}`);
    return value;
  }

  return {
    name,
    wireType: 0,
    takesNull: false,
    read(reader) {
      const number = reader.int32();
      return names.get(number) ?? (closed ? undefined : number);
    },
    write(writer, value) {
      writer.int32(numberOf(value));
    },
    fromJson: (json) => json,
    isDefault: (value) => (typeof value === "string" ? numbers.get(value) : value) === first,
    zero: () => names.get(first) ?? first,
  };
}

interface LongBits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

function fromLong({ low, high, unsigned }: LongBits): number | bigint {
  const number = (unsigned ? high >>> 0 : high) * 2 ** 32 + (low >>> 0);
  if (Number.isSafeInteger(number)) return number;
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return unsigned ? bits : BigInt.asIntN(64, bits);
}

/** The two halves that protobufjs's writer looks at; it needs nothing else of a Long. */
function toLong(value: bigint, unsigned: boolean): Parameters<Writer["int64"]>[0] {
  const bits: LongBits = {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned,
  };
  return bits as Exclude<Parameters<Writer["int64"]>[0], number | string>;
}

/** ProtoJSON takes a number as a string too, in JSON's grammar. */
function numberFromJson(json: unknown): unknown {
  return typeof json === "string" && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(json) ? Number(json) : json;
}

function integerFromJson(json: unknown): unknown {
  if (typeof json !== "string" || !/^-?(?:0|[1-9]\d{0,29})$/.test(json)) return numberFromJson(json);
  const integer = BigInt(json);
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

function bytesFromJson(json: unknown): unknown {
  if (typeof json !== "string") return json;
  const text = json
    .replace(/-/g, "+")
    .replace(/_/g, "/")
    .replace(/={1,2}$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) throw new Fault(`${describe(json)} is not base64`);
  return new Uint8Array(Buffer.from(text, "base64"));
}
