import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Codec } from "../../src/codecs/codec.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { HOSTILE } from "../codecs/hostile-bytes.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { expectInModel, expectOneLine, formOf } from "./model.ts";
import { inTheMidst, mutated } from "./mutations.ts";

const data = (name: string) => readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8");

const PLAIN: readonly unknown[] = [
  { id: 12345, name: "Hello wörld! 🎈", tags: ["a", "b", []], deep: { on: true, none: null, half: 1.5 } },
  [1, -1, 24, 255, 256, 65_536, 2 ** 40, 0.1, "", "x".repeat(70), "\ufeff".repeat(80), {}, [[[[]]]]],
  Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key${index}`, index * 1000])),
];
const BINARY: readonly unknown[] = [
  [new Uint8Array(40), new Date(1.5e12), new Date(-1), new Date(2 ** 36 * 1000), 2n ** 60n, Number.NaN],
];
const KINDS: readonly unknown[] = [
  { anInt32: -1, aSint64: -(2n ** 63n), aFloat: 1.5, aString: "ü", color: "RED", numbers: [1, 300], unpacked: [1, -2] },
  {
    child: { child: { maybe: 0 } },
    byName: { a: 1, b: 2 },
    byNumber: { "-5": "x" },
    byFlag: { true: { aBool: true } },
  },
  { messageChoice: { texts: ["a", ""] }, constructor: "c", "another-name": "n", someBytes: new Uint8Array(9) },
];
const WELL_KNOWN: readonly unknown[] = [
  { at: new Date(1.5e12), times: [new Date(-1)], lasts: { seconds: 5, nanos: 6 }, mask: { paths: ["a.b"] }, empty: {} },
  {
    value: [1, { a: null }],
    values: { x: "y" },
    list: [true],
    valueChoice: null,
    anInt64: 2n ** 60n,
    someBytes: new Uint8Array(2),
  },
];

interface Subject {
  readonly name: string;
  readonly codec: Codec;
  readonly valid: readonly Uint8Array[];
}

function protobuf(file: string, request: string): Codec {
  const proto = fileURLToPath(new URL(`../data/${file}.proto`, import.meta.url));
  return createCodec({ type: "protobuf", proto, request });
}

const subject = (name: string, codec: Codec, documents: readonly unknown[], others: readonly Uint8Array[] = []) => ({
  name,
  codec,
  valid: [...documents.map((document) => codec.encode(document)), ...others],
});

const appendixA = (JSON.parse(data("cbor-appendix-a.json")) as { hex: string }[]).map(({ hex }) =>
  Buffer.from(hex, "hex"),
);
const suite = Object.values(JSON.parse(data("msgpack-test-suite.json")) as Record<string, { msgpack: string[] }[]>)
  .flat()
  .flatMap(({ msgpack }) => msgpack.map((hex) => Buffer.from(hex.replaceAll("-", ""), "hex")));

const SUBJECTS: readonly Subject[] = [
  subject("raw", createCodec("raw"), ["text"]),
  subject("json", createCodec("json"), PLAIN, [Buffer.from('\ufeff {"\\u00e4\\ud83d": [-0, 1E-7, "\\/"]}\r\n')]),
  subject("cbor", createCodec("cbor"), [...PLAIN, ...BINARY], appendixA),
  subject("msgpack", createCodec("msgpack"), [...PLAIN, ...BINARY], suite),
  subject("protobuf", createCodec("protobuf"), PLAIN),
  subject("kinds", protobuf("kinds", "test.Kinds"), KINDS),
  subject("well-known", protobuf("well-known", "test.WellKnown"), WELL_KNOWN),
  subject("legacy", protobuf("legacy", "legacy.Reading"), [
    { id: 1, level: "LOW", levels: ["HIGH"], "[legacy.site]": "x" },
  ]),
];

/** A value of the model that can be written, and reads the same again; or a refusal. Says whether it was a value. */
function expectValueOrRefusal(codec: Codec, input: Uint8Array): boolean {
  const bytes = inTheMidst(input);
  const before = Buffer.from(bytes);
  let value: unknown;
  try {
    value = codec.decode(bytes);
  } catch (error) {
    expectRefusal(error);
    return false;
  }
  expect(before.equals(bytes), "the bytes were changed").toBe(true);
  expectInModel(value);
  const form = formOf(value, "written");
  const again = codec.encode(value);
  expect(formOf(codec.decode(again), "written")).toBe(form);
  // What was read is not a view of what may change.
  if (codec.passesBytesOn !== true) {
    bytes.fill(0x20);
    expect(formOf(value, "written")).toBe(form);
  }
  return true;
}

function expectRefusal(error: unknown): void {
  if (!ZmqEchoError.is(error)) throw error;
  expect(error.code).toBe("invalid_argument");
  expectOneLine(error.message, 600);
}

describe.each(SUBJECTS)("$name", ({ name, codec, valid }) => {
  const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const documents = mutated(valid);

  test(
    "any bytes are a value of the model, which can be written and reads the same again, or are refused in a line",
    () => {
      let values = 0;
      let refusals = 0;
      const bytes = fc.oneof({ weight: 1, arbitrary: noise }, { weight: 4, arbitrary: documents });
      const property = fc.property(bytes, (input) => {
        if (expectValueOrRefusal(codec, input)) values++;
        else refusals++;
      });
      fuzz(property, 2_000);
      expect(values).toBeGreaterThan(50);
      if (name !== "raw") expect(refusals).toBeGreaterThan(50);
    },
    TIMEOUT_MS,
  );

  test("so is all that was kept", () => {
    for (const { why, bytes } of name === "raw" ? [] : corpusOf(name)) {
      try {
        expectValueOrRefusal(codec, bytes);
      } catch (error) {
        throw new Error(`${why}: ${bytes.toString("hex")}`, { cause: error });
      }
    }
  });

  test("so is each valid document, cut off or begun anywhere", () => {
    for (const document of valid) {
      expect(expectValueOrRefusal(codec, document) || name === "cbor" || name === "msgpack").toBe(true);
      for (let at = 0; at < document.length; at++) {
        expectValueOrRefusal(codec, document.subarray(0, at));
        expectValueOrRefusal(codec, document.subarray(at));
      }
    }
  });
});

describe.each(["json", "cbor", "msgpack"] as const)("hostile %s", (name) => {
  const codec = createCodec(name);
  const small = HOSTILE[name].map(([, bytes]) => bytes).filter(({ length }) => length <= 300);

  test(
    "what has to be refused may be a value when it is changed, and nothing else",
    () => {
      fuzz(
        fc.property(mutated(small, 2), (bytes) => void expectValueOrRefusal(codec, bytes)),
        1_500,
      );
    },
    TIMEOUT_MS,
  );
});
