/** Random values: what we write Python reads as the same, and what Python writes we do. FUZZ_SEED repeats a run, FUZZ_RUNS makes it longer. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCodec } from "zmqecho";
import { mutated } from "../fuzz/mutations.ts";
import { formOf } from "./forms.ts";
import { here, PYTHON, root, run } from "./programs.ts";
import { KINDS, sentOf, VALUES } from "./random-values.ts";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const COUNT = 10_000 * Number(process.env.FUZZ_RUNS ?? 1);
const TIMEOUT_MS = 60_000 * Math.max(1, COUNT / 10_000);

let modules: string;
beforeAll(async () => {
  modules = mkdtempSync(join(tmpdir(), "zmqecho-protoc-"));
  await run("protoc", [`--proto_path=${root}test/data`, `--python_out=${modules}`, "kinds.proto"]);
});
afterAll(() => rmSync(modules, { recursive: true, force: true }));

type Decode = (bytes: Uint8Array) => unknown;
const proto = `${root}test/data/kinds.proto`;
const withoutZeros = (value: unknown): unknown => {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutZeros(item)]));
};

const CODECS = [
  // -0 is an integer to these three.
  { name: "json", codec: createCodec("json"), values: VALUES.json, written: withoutZeros },
  { name: "cbor", codec: createCodec("cbor"), values: VALUES.cbor, written: withoutZeros },
  { name: "msgpack", codec: createCodec("msgpack"), values: VALUES.msgpack, written: withoutZeros },
  { name: "value", codec: createCodec("protobuf"), values: VALUES.value, written: (value: unknown) => value },
  {
    name: "kinds",
    codec: createCodec({ type: "protobuf", proto, request: "test.Kinds" }),
    values: KINDS,
    written: sentOf,
  },
] as const;

/** One process for all: what it is given, and what it says, are pieces with their lengths in front. */
async function python(args: readonly string[], pieces: Iterable<Uint8Array>): Promise<Buffer[]> {
  const child = spawn(PYTHON, [`${here}differential.py`, ...args], {
    env: { PATH: process.env.PATH, PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => {});
  for (const piece of pieces) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(piece.length);
    child.stdin.write(length);
    child.stdin.write(piece);
  }
  child.stdin.end();
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code !== 0) throw new Error(`differential.py ${args.join(" ")} ended with ${code} (FUZZ_SEED=${seed})`);
  const all = Buffer.concat(chunks);
  const told: Buffer[] = [];
  for (let at = 0; at < all.length; ) {
    const start = at + 4;
    at = start + all.readUInt32BE(at);
    told.push(all.subarray(start, at));
  }
  return told;
}

/** Messages that Python wrote, each with the form of what is in it. */
async function writtenByPython(name: string, count: number): Promise<{ bytes: Buffer; form: string }[]> {
  const told = await python([name, "write", String(seed), String(count)], []);
  return Array.from({ length: count }, (_, index) => ({
    bytes: told[2 * index] ?? Buffer.alloc(0),
    form: String(told[2 * index + 1]),
  }));
}

function formIn(decode: Decode, bytes: Uint8Array): string {
  try {
    return formOf(decode(bytes));
  } catch (error) {
    return `refused: ${error}`;
  }
}

/** What differs, with the bytes: the first few. */
function expectNone(differences: readonly string[]): void {
  expect(differences.slice(0, 3), `${differences.length} differ, FUZZ_SEED=${seed}`).toEqual([]);
}

describe.each(CODECS)("$name", ({ name, codec, values, written }) => {
  test(`what we write Python reads as the same`, { timeout: TIMEOUT_MS }, async () => {
    const given = fc.sample(values, { numRuns: COUNT, seed }) as unknown[];
    const messages = given.map((value) => codec.encode(value));
    const forms = await python([name, "read"], messages);
    expect(forms).toHaveLength(COUNT);
    expectNone(
      given.flatMap((value, index) => {
        const [ours, theirs] = [formOf(written(value)), String(forms[index])];
        return ours === theirs ? [] : [`${Buffer.from(messages[index] ?? []).toString("hex")}: ${ours} is ${theirs}`];
      }),
    );
  });

  test("what Python writes we read as the same", { timeout: TIMEOUT_MS }, async () => {
    const told = await writtenByPython(name, COUNT);
    expect(new Set(told.map(({ form }) => form)).size, "different values").toBeGreaterThan(COUNT / 4);
    expectNone(
      told.flatMap(({ bytes, form }) => {
        const ours = formIn(codec.decode, bytes);
        return ours === form ? [] : [`${bytes.toString("hex")}: ${ours} is ${form}`];
      }),
    );
  });

  test("what is read of changed bytes Python reads as the same", { timeout: TIMEOUT_MS }, async () => {
    const told = await writtenByPython(name, 3_000);
    const short = told.map(({ bytes }) => bytes).filter(({ length }) => length > 0 && length < 80);
    const messages = fc.sample(mutated(short, 3), { numRuns: COUNT, seed });
    const theirs = await python([name, "try"], messages);
    let both = 0;
    const differences = messages.flatMap((bytes, index) => {
      const [ours, form] = [formIn(codec.decode, bytes), String(theirs[index])];
      if (ours.startsWith("refused") || form === "unlike") return [];
      if (ours === form) both++;
      return ours === form ? [] : [`${bytes.toString("hex")}: ${ours} is ${form}`];
    });
    expectNone(differences);
    expect(both).toBeGreaterThan(COUNT / 20);
  });

  /** A codec that is wrong in one small way has to be caught. */
  const lies: readonly [string, (value: unknown) => unknown][] = [
    [
      "a double that is off by its last bit",
      (value) => (typeof value === "number" && !Number.isInteger(value) ? nextDouble(value) : value),
    ],
    [
      "an integer that is off by one",
      (value) => (Number.isInteger(value) && value !== 0 ? (value as number) + 1 : value),
    ],
    ["text that is normalized", (value) => (typeof value === "string" ? value.normalize("NFC") : value)],
    ["text without its U+FEFF", (value) => (typeof value === "string" ? value.replace(/^\ufeff/, "") : value)],
    ["an empty array for an empty object", (value) => (isEmptyObject(value) ? [] : value)],
    ...(name === "cbor" || name === "msgpack"
      ? ([
          [
            "a date that is off by a millisecond",
            (value) => (value instanceof Date ? new Date(value.getTime() + 1) : value),
          ],
          ["a bigint as the nearest number", (value) => (typeof value === "bigint" ? Number(value) : value)],
          ["-0 as 0", (value) => (value === 0 ? 0 : value)],
        ] satisfies [string, (value: unknown) => unknown][])
      : []),
  ];

  test.each(lies)("and would not be taken for the same with %s", async (_, lie) => {
    const told = await writtenByPython(name, 2_000);
    const differing = told.filter(
      ({ bytes, form }) => formIn((read) => changed(codec.decode(read), lie), bytes) !== form,
    );
    expect(differing.length).toBeGreaterThan(0);
  });
});

test("our JSON is Node's, both ways", () => {
  const codec = createCodec("json");
  for (const value of fc.sample(VALUES.json, { numRuns: COUNT, seed })) {
    const text = JSON.stringify(value);
    expect(Buffer.from(codec.encode(value)).toString(), `FUZZ_SEED=${seed}`).toBe(text);
    const indented = JSON.stringify(value, null, "\t ");
    expect(formOf(codec.decode(Buffer.from(indented))), `FUZZ_SEED=${seed}`).toBe(formOf(JSON.parse(text)));
  }
});

function changed(value: unknown, change: (leaf: unknown) => unknown): unknown {
  const now = change(value);
  if (Array.isArray(now)) return now.map((item) => changed(item, change));
  if (typeof now !== "object" || now === null || now instanceof Uint8Array || now instanceof Date) return now;
  return Object.fromEntries(Object.entries(now).map(([key, item]) => [key, changed(item, change)]));
}

function nextDouble(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) ^ 1n);
  return bits.getFloat64(0);
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  );
}
