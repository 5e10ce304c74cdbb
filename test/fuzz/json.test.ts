import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { HOSTILE } from "../codecs/hostile-bytes.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { formOf } from "./model.ts";
import { mutated, mutatedFrom } from "./mutations.ts";

const codec = createCodec("json");

/** What Node makes of it, and undefined for what it, or the value model, has no place for. */
function readByNode(bytes: Buffer): { value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString().replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
  return isCarried(value, 0) ? { value } : undefined;
}

function isCarried(value: unknown, depth: number): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === 128 || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((item) => isCarried(item, depth + 1));
}

function readByUs(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: codec.decode(bytes) };
  } catch {
    return undefined;
  }
}

function expectAgreement(bytes: Buffer): void {
  const [ours, nodes] = [readByUs(bytes), readByNode(bytes)];
  expect(ours && formOf(ours.value), bytes.toString("latin1")).toBe(nodes && formOf(nodes.value));
}

/** Longer than what is read without a look at its brackets. */
const LONG = Buffer.from(`[${'{"a":["\\"[{",{"b":"]}"}]},'.repeat(800)}[]]`);

test(
  "a document is read if Node reads it, and as Node reads it",
  () => {
    const json = fc.json({ maxDepth: 4, stringUnit: "binary" }).map((text) => Buffer.from(text));
    const short = HOSTILE.json.map(([, bytes]) => bytes).filter(({ length }) => length < 1000);
    const texts = [
      '{"a":[1,-0,1.5e-7,true,null],"ü":"\\ud83d\\ude00\\ud800","a":{}}',
      '\ufeff "\\u0000" \t\r\n',
      "[[[[]]]]",
    ];
    const valid = [...short, ...texts.map((text) => Buffer.from(text))];
    const document = fc.oneof(json, mutatedFrom(json), mutated(valid, 2));
    fuzz(fc.property(document, expectAgreement), 2_000);
  },
  TIMEOUT_MS,
);

test(
  "so is a long one",
  () => {
    fuzz(fc.property(mutated([LONG], 2), expectAgreement), 100);
  },
  TIMEOUT_MS,
);

test.each(corpusOf("json"))("so is what was kept: $why", ({ bytes }) => expectAgreement(bytes));
