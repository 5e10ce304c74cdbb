import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { ConfigError, ZmqEchoError } from "../../src/errors.ts";
import { createRecordedAnswers } from "../../src/mock/recorded.ts";
import {
  codecOf,
  type Entry,
  entryLine,
  type Header,
  headerLine,
  isRecording,
  loadRecording,
  type Recording,
} from "../../src/recording/format.ts";
import { createReader } from "../../src/recording/said.ts";
import { corpusOf } from "./corpus.ts";
import { fuzzAsync, TIMEOUT_MS } from "./fuzz.ts";
import { expectOneLine, formOf } from "./model.ts";
import { mutatedFrom } from "./mutations.ts";

const folder = mkdtempSync(join(tmpdir(), "zmqecho-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "some.jsonl");

const text = fc.string({ unit: "binary", maxLength: 30 });
const frames = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 3 });
const ms = fc.integer({ min: 0, max: 10 ** 9 }).map((thousandths) => thousandths / 1000);
const header: fc.Arbitrary<Header> = fc.record({
  target: text,
  codec: fc.oneof(text, fc.constantFrom("json", "cbor", "raw")),
  zep: fc.boolean(),
  startedAt: text,
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ number: fc.nat(), atMs: ms, request: frames }),
  fc.record({ number: fc.nat(), atMs: ms, request: frames, reply: frames, latencyMs: ms }),
  fc.record({
    number: fc.nat(),
    atMs: ms,
    request: frames,
    reply: frames,
    latencyMs: ms,
    failed: fc.record(
      {
        code: fc.constantFrom("internal", "aborted"),
        message: text,
        endpoint: text,
        handler: text,
        version: text,
        requestId: text,
      },
      { requiredKeys: ["code", "message", "endpoint", "handler"] },
    ),
  }),
);
const recording = fc.record({ header, entries: fc.array(entry, { maxLength: 5 }) });
const written = ({ header: first, entries }: Recording) => headerLine(first) + entries.map(entryLine).join("");

test(
  "a recording is read as it was written, in the order of its requests",
  async () => {
    const property = fc.asyncProperty(recording, async (given) => {
      writeFileSync(file, written(given));
      const entries = given.entries.toSorted((one, other) => one.atMs - other.atMs || one.number - other.number);
      expect(formOf(await loadRecording(file))).toBe(formOf({ ...given, entries }));
      expect(isRecording(written(given))).toBe(true);
    });
    await fuzzAsync(property, 100);
  },
  TIMEOUT_MS,
);

/** Something else than is meant where a value stands. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    1e308,
    "",
    "json",
    [],
    {},
    [[]],
    ["AA=="],
    ["A==="],
    { type: "json" },
    { toString: 1 },
  ),
  fc.constantFrom<unknown>(
    { encode: 1 },
    { type: "protobuf", proto: 5 },
    { type: "protobuf", request: [] },
    { type: {} },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const misshapen = fc
  .tuple(
    recording,
    fc.array(
      fc.tuple(
        fc.nat(20),
        fc.constantFrom(
          "zmqecho",
          "version",
          "target",
          "codec",
          "spec",
          "zep",
          "startedAt",
          "n",
          "atMs",
          "request",
          "reply",
          "latencyMs",
          "code",
          "message",
        ),
        odd,
      ),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([given, changes]) => {
    const lines = written(given)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const [at, key, value] of changes) {
      const line = lines[/^(n|re.*|.*Ms|code|message)$/.test(key) ? at % lines.length : 0];
      if (line !== undefined) line[key] = value;
    }
    return Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n"));
  });
const any = fc.oneof(misshapen, mutatedFrom(recording.map((given) => Buffer.from(written(given)))));

/** A recording that can be played and served; or problems with their lines. Says whether it was one. */
async function expectRecordingOrProblems(bytes: Uint8Array): Promise<boolean> {
  writeFileSync(file, bytes);
  let read: Recording;
  try {
    read = await loadRecording(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expectOneLine(error.message, 400);
    for (const problem of error.problems) {
      expect(problem.file).toBe(file);
      if (!problem.message.startsWith("the file is empty")) expect(problem.line, problem.message).toBeGreaterThan(0);
    }
    return false;
  }
  for (const { number, atMs, latencyMs = 0 } of read.entries) {
    expect([number, atMs, latencyMs].every(Number.isFinite)).toBe(true);
  }
  expect(typeof read.header.startedAt).toBe("string");
  for (const role of ["client", "server"] as const) {
    const codec = await codecOrRefusal(read.header, role);
    if (codec === undefined) continue;
    const named = createCodec("json");
    const reader = createReader({
      zep: read.header.zep,
      requestCodec: codec,
      replyCodec: codec,
      codecNamed: () => named,
    });
    for (const { request, reply } of read.entries) {
      expect(reader.request(request).kind).not.toBe("error");
      if (reply !== undefined) expect(reader.reply(reply).kind).not.toBe("verb");
    }
  }
  return true;
}

async function codecOrRefusal(given: Header, role: "client" | "server") {
  try {
    return await codecOf(given, role);
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    return undefined;
  }
}

test(
  "any file is a recording that can be played, or is refused with the line that is wrong",
  async () => {
    let read = 0;
    const property = fc.asyncProperty(any, async (bytes) => {
      if (await expectRecordingOrProblems(bytes)) read++;
    });
    await fuzzAsync(property, 400);
    expect(read).toBeGreaterThan(20);
  },
  TIMEOUT_MS,
);

test(
  "any recording that is read answers, or says why it does not",
  async () => {
    const property = fc.asyncProperty(any, async (bytes) => {
      writeFileSync(file, bytes);
      try {
        const answers = await createRecordedAnswers(await loadRecording(file));
        answers.answer("anything", "echo", "json");
      } catch (error) {
        if (!ZmqEchoError.is(error)) throw error;
      }
    });
    await fuzzAsync(property, 150);
  },
  TIMEOUT_MS,
);

test.each(corpusOf("recording"))("what was kept is read or refused: $why", async ({ bytes }) => {
  await expectRecordingOrProblems(bytes);
});
