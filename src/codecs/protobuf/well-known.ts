/** The types of google/protobuf/*.proto that stand for something simpler than a message. */
import type { Value } from "../../handler.ts";
import { describe, Fault } from "./fault.ts";
import type { FieldPlan, WellKnown } from "./plan.ts";
import type { Kind } from "./scalars.ts";
import { isPlainObject } from "./write.ts";

const WRAPPERS = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];

/**
 * How the type of this full name is carried, or `undefined` for an ordinary message.
 * @param fields The type's own fields, which may be filled in later than this is called.
 */
export function wellKnownType(name: string, fields: ReadonlyMap<number, FieldPlan>): WellKnown | undefined {
  if (!name.startsWith("google.protobuf.")) return undefined;
  const short = name.slice("google.protobuf.".length);
  if (WRAPPERS.some((wrapper) => short === `${wrapper}Value`)) return wrapper(name, () => fields.get(1)?.kind);
  return WELL_KNOWN.get(short);
}

/** google.protobuf.NullValue: an enum of the one number 0, which stands for null. */
export const NULL_VALUE: Kind = {
  name: "google.protobuf.NullValue",
  wireType: 0,
  takesNull: true,
  read(reader) {
    reader.int32();
    return null;
  },
  write(writer, value) {
    if (value !== null && value !== "NULL_VALUE" && value !== 0)
      throw new Fault(`expected null, got ${describe(value)}`);
    writer.int32(0);
  },
  fromJson: (json) => json,
  isDefault: () => true,
  zero: () => null,
};

const VALUE: WellKnown = {
  takesNull: true,
  fromMessage(message) {
    for (const kind in message) {
      const value = message[kind] as Value;
      if (kind === "numberValue" && !Number.isFinite(value)) throw notInValue(value);
      return value;
    }
    return null; // A Value without a kind: no more is known of it, and other libraries print it as null.
  },
  toMessage(value) {
    if (value === null) return { nullValue: null };
    if (typeof value === "string") return { stringValue: value };
    if (typeof value === "boolean") return { boolValue: value };
    if (typeof value === "number" && Number.isFinite(value)) return { numberValue: value };
    if (Array.isArray(value)) return { listValue: value };
    if (isPlainObject(value)) return { structValue: value };
    throw notInValue(value);
  },
  fromJson: (json) => json,
};

const STRUCT: WellKnown = {
  takesNull: false,
  fromMessage: ({ fields }) => (fields ?? {}) as Value,
  toMessage(value) {
    if (!isPlainObject(value)) throw new Fault(`expected google.protobuf.Struct (an object), got ${describe(value)}`);
    return { fields: value };
  },
  fromJson: (json) => json,
};

const LIST: WellKnown = {
  takesNull: false,
  fromMessage: ({ values }) => (values ?? []) as Value,
  toMessage(value) {
    if (!Array.isArray(value)) throw new Fault(`expected google.protobuf.ListValue (an array), got ${describe(value)}`);
    return { values: value };
  },
  fromJson: (json) => json,
};

function notInValue(value: unknown): Fault {
  const remedy =
    value instanceof Uint8Array
      ? "give base64 text, or a schema with a bytes field"
      : value instanceof Date
        ? "give date.toISOString(), or a schema with a google.protobuf.Timestamp"
        : typeof value === "bigint"
          ? "give decimal text, or a schema with a 64-bit field"
          : "it holds null, booleans, finite numbers, strings, arrays and objects";
  return new Fault(`google.protobuf.Value can't hold ${describe(value)}; ${remedy}`);
}

/** Int64Value and its like: the bare value. A field that is null or absent has none. */
function wrapper(name: string, kind: () => Kind | undefined): WellKnown {
  return {
    takesNull: false,
    fromMessage: ({ value }) => (value ?? kind()?.zero() ?? null) as Value,
    toMessage(value) {
      if (value === null || value === undefined)
        throw new Fault(`expected the value of a ${name}, got ${describe(value)}`);
      return { value };
    },
    fromJson: (json) => kind()?.fromJson(json, 0),
  };
}

/** Seconds since 1970 of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z: what a Timestamp may hold. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

const TIMESTAMP: WellKnown = {
  takesNull: false,
  fromMessage({ seconds = 0, nanos = 0 }) {
    if (typeof seconds !== "number" || seconds < FIRST_SECOND || seconds > LAST_SECOND) {
      throw new Fault(`${String(seconds)} seconds are outside of the years 1 to 9999 that a Timestamp has`);
    }
    if (typeof nanos !== "number" || nanos < 0 || nanos > 999_999_999) {
      throw new Fault(`${String(nanos)} is out of range for the nanos of a Timestamp (0 to 999999999)`);
    }
    return new Date(seconds * 1000 + Math.floor(nanos / 1e6));
  },
  toMessage(value) {
    if (!(value instanceof Date)) throw new Fault(`expected a Date, got ${describe(value)}`);
    const milliseconds = value.getTime();
    const seconds = Math.floor(milliseconds / 1000);
    if (!(seconds >= FIRST_SECOND && seconds <= LAST_SECOND)) {
      throw new Fault("a Date outside of the years 1 to 9999 is no Timestamp");
    }
    return { seconds, nanos: (milliseconds - seconds * 1000) * 1e6 };
  },
  fromJson(json) {
    if (typeof json !== "string") return json;
    const [, day, fraction = ""] =
      /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/i.exec(json) ?? [];
    const exists = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
    const date = new Date(json.toUpperCase());
    if (!exists || Number.isNaN(date.getTime())) {
      throw new Fault(`${describe(json)} is no time as in RFC 3339, such as 2024-05-17T09:30:00.250Z`);
    }
    if (/[1-9]/.test(fraction.slice(3))) throw new Fault(`${describe(json)} is finer than the milliseconds of a Date`);
    return date;
  },
};

/** Stays a message, `{ seconds, nanos }`; ProtoJSON writes it as `"1.5s"`. */
const DURATION: WellKnown = {
  takesNull: false,
  fromJson(json) {
    if (typeof json !== "string") return json;
    const [, sign = "", whole, fraction = ""] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(json) ?? [];
    const seconds = Number(whole);
    if (whole === undefined || seconds > 315_576_000_000) {
      throw new Fault(`${describe(json)} is no duration in seconds, such as 1.5s`);
    }
    const nanos = Number(fraction.padEnd(9, "0"));
    return sign === "" ? { seconds, nanos } : { seconds: 0 - seconds, nanos: 0 - nanos };
  },
};

/** Stays a message, `{ paths }`; ProtoJSON writes it as `"customer.firstName,total"`. */
const FIELD_MASK: WellKnown = {
  takesNull: false,
  fromJson(json) {
    if (typeof json !== "string") return json;
    const paths = json === "" ? [] : json.split(",");
    return { paths: paths.map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) };
  },
};

/** As the type of a reply it takes null too, for a handler that returns nothing. */
const EMPTY: WellKnown = {
  takesNull: false,
  toMessage(value) {
    if (value !== null && !(isPlainObject(value) && Object.keys(value).length === 0)) {
      throw new Fault(`expected google.protobuf.Empty (null, or an object without members), got ${describe(value)}`);
    }
    return {};
  },
  fromJson: (json) => json,
};

const WELL_KNOWN: ReadonlyMap<string, WellKnown> = new Map([
  ["Value", VALUE],
  ["Struct", STRUCT],
  ["ListValue", LIST],
  ["Timestamp", TIMESTAMP],
  ["Duration", DURATION],
  ["FieldMask", FIELD_MASK],
  ["Empty", EMPTY],
]);
