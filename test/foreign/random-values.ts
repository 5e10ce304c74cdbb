/** Values of the whole model, near the ends of every range. */
import fc from "fast-check";

const BORDERS = [0, 23, 24, 31, 32, 127, 128, 255, 256, 2 ** 15, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 53];

const border = fc
  .tuple(fc.constantFrom(...BORDERS), fc.constantFrom(1, -1), fc.integer({ min: -2, max: 2 }))
  .map(([size, sign, more]) => size * sign + more);
const integer = fc.oneof(border, fc.integer(), fc.maxSafeInteger()).filter(Number.isSafeInteger);
const ODD_FLOATS = [5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2 ** 53, 1e21, -0, 6e-8, 0.1];
const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(...ODD_FLOATS),
);
const anyFloat = fc.oneof(finite, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));

const character = fc.constantFrom(
  "",
  "a",
  "ä",
  "\u0000",
  "\ufeff",
  "🎈",
  "\u2028",
  "\uffff",
  "e\u0301",
  '"\\/\n',
  "\ud7ff\ue000",
);
export const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.array(character, { maxLength: 5 }).map((parts) => parts.join("")),
  fc.tuple(character, fc.constantFrom(31, 64, 255, 300)).map(([part, times]) => part.repeat(times)),
);
const halves = fc.tuple(text, fc.constantFrom("", "\ud800", "\udc00x")).map((parts) => parts.join(""));
const bytes = fc.uint8Array({ maxLength: 300, size: "small" });

function bigint(min: bigint, max: bigint) {
  const isWide = (value: bigint) => value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER;
  return fc
    .oneof(fc.bigInt({ min, max }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), fc.constantFrom(min, max))
    .filter(isWide);
}

function date(min: string, max: string) {
  return fc.date({ min: new Date(min), max: new Date(max), noInvalidDate: true });
}

function tree(leaf: fc.Arbitrary<unknown>, key: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const keys = key.filter((name) => name !== "__proto__");
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: tie("array") },
      { weight: 1, arbitrary: tie("object") },
    ),
    array: fc.array(tie("value"), { maxLength: 5 }),
    object: fc.dictionary(keys, tie("value"), { maxKeys: 5, noNullPrototype: true }),
  })).value;
}

const simple = fc.constantFrom(null, true, false);

export const VALUES = {
  json: tree(fc.oneof(simple, integer, finite, halves), halves),
  // Python's dates begin with the year 1, and end with 9999.
  cbor: tree(
    fc.oneof(
      simple,
      integer,
      anyFloat,
      text,
      bytes,
      bigint(-(2n ** 2048n), 2n ** 2048n - 1n),
      date("0002-01-01", "9998-12-31"),
    ),
    text,
  ),
  msgpack: tree(
    fc.oneof(
      simple,
      integer,
      anyFloat,
      text,
      bytes,
      bigint(-(2n ** 63n), 2n ** 64n - 1n),
      date("-271821-04-20", "+275760-09-13"),
    ),
    text,
  ),
  value: tree(fc.oneof(simple, integer, finite, text), text),
} as const;

const long = (min: bigint, max: bigint) =>
  fc.bigInt({ min, max }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const int32 = fc.oneof(
  border.filter((value) => value === (value | 0)),
  fc.integer(),
);
const uint32 = fc.oneof(border, fc.nat(2 ** 32 - 1)).filter((value) => value === value >>> 0 && !Object.is(value, -0));
const int64 = long(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = long(0n, 2n ** 64n - 1n);
const color = fc.constantFrom<string | number>("COLOR_UNSPECIFIED", "RED", "GREEN", 3, -1, 2 ** 31 - 1);
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });
const map = <T>(key: fc.Arbitrary<string>, item: fc.Arbitrary<T>) =>
  fc.dictionary(key, item, { maxKeys: 3, noNullPrototype: true });

/** Of test/data/kinds.proto. */
export const KINDS: fc.Arbitrary<object> = fc.letrec<{ message: object; child: object }>((tie) => ({
  child: fc.oneof({ maxDepth: 2 }, { weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: tie("message") }),
  message: fc
    .tuple(
      fc.record(
        {
          anInt32: int32,
          anUint32: uint32,
          aSint32: int32,
          aFixed32: uint32,
          aSfixed32: int32,
          anInt64: int64,
          anUint64: uint64,
          aSint64: int64,
          aFixed64: uint64,
          aSfixed64: int64,
          aFloat: fc.float(),
          aDouble: anyFloat,
          aBool: fc.boolean(),
          aString: text,
          someBytes: bytes,
          color,
          child: tie("child"),
          maybe: int32,
          numbers: list(int32),
          longs: list(int64),
          unpacked: list(int32),
          texts: list(text),
          colors: list(color),
          children: list(tie("child")),
          byName: map(text, int32),
          byNumber: map(int64.map(String), text),
          byFlag: map(fc.constantFrom("true", "false"), tie("child")),
          constructor: text,
          "another-name": text,
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      fc.oneof(
        fc.constant({}),
        text.map((textChoice) => ({ textChoice })),
        int32.map((numberChoice) => ({ numberChoice })),
        tie("child").map((messageChoice) => ({ messageChoice })),
      ),
    )
    .map(([members, choice]) => ({ ...members, ...choice })),
})).message;

const WITH_PRESENCE = ["child", "maybe", "textChoice", "numberChoice", "messageChoice"];
const MESSAGES = ["child", "messageChoice", "children", "byFlag"];

/** What proto3 sends of a message: fields without presence that hold their default are not there. */
export function sentOf(message: unknown): unknown {
  const members = Object.entries(message as object).flatMap(([name, value]): [string, unknown][] => {
    const sent = MESSAGES.includes(name) ? messagesIn(name, value) : value;
    return WITH_PRESENCE.includes(name) || !isDefault(sent) ? [[name, sent]] : [];
  });
  return Object.fromEntries(members);
}

function messagesIn(name: string, value: unknown): unknown {
  if (name === "children") return (value as unknown[]).map(sentOf);
  if (name !== "byFlag") return sentOf(value);
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, sentOf(item)]));
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === "" || value === false || value === "COLOR_UNSPECIFIED" || Object.is(value, 0);
}
