import { isUtf8 } from "node:buffer";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import { readFlawedJson } from "../../src/config/located-json.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/errors.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, fuzzAsync, TIMEOUT_MS } from "./fuzz.ts";
import { expectOneLine, formOf } from "./model.ts";
import { mutated } from "./mutations.ts";

const folder = mkdtempSync(join(tmpdir(), "zmqecho-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sample = readFileSync(new URL("../../config/zmqecho.config.json", import.meta.url));
const FULL: ConfigInput = {
  plugins: ["plugins"],
  watch: false,
  codecs: {
    order: { type: "protobuf", proto: ["a.proto"], include: ["b"], request: "shop.Order", response: "shop.Bill" },
  },
  handlers: { vat: { plugin: "echo", options: { rate: 19 }, timeoutMs: 5000, concurrency: 2, isolation: "thread" } },
  endpoints: {
    a: { bind: ["tcp://127.0.0.1:25933", "ipc://a.sock"], handler: "echo", codec: "json", concurrency: 4, queue: 5 },
    b: { bind: "tcp://*:25934", handlers: ["*"], introspection: true, limits: { maxFrames: 3 } },
    c: { bind: "tcp://[::1]:1", handler: "echo", curve: { certificate: "c.key_secret", allow: "clients" } },
  },
  targets: { far: { connect: ["tcp://far:1"], codec: "cbor", timeoutMs: 100 } },
  limits: { maxMessageBytes: 1000, maxFrames: 9, maxDepth: 9, handshakeMs: 5, lingerMs: 6 },
  log: { level: "warn", format: "json" },
  shutdown: { graceMs: 1 },
};
const COMMENTED = `// what is served
{
  "endpoints": { /* one */ "echo": { "bind": "tcp://127.0.0.1:1", "codec": "json", }, },
  "log": { "level": "\${LEVEL:-info}" }, "limits": { "maxFrames": 1e1 }
}
`;
const YAML = `endpoints:
  echo: { bind: "tcp://127.0.0.1:1", codec: json }
  other:
    bind: [ 'tcp://127.0.0.1:2' ]   # two
    handlers: ["*"]
log: &log
  level: debug
handlers: {a: {plugin: echo, options: *log}}
`;

const env = { LEVEL: "warn" };
const documents = {
  "some.json": mutated([sample, Buffer.from(COMMENTED), Buffer.from(JSON.stringify(FULL, null, 2)), Buffer.from("{}")]),
  "some.yaml": mutated([YAML, "{}", "a: 1\n---\nb: 2\n"].map((text) => Buffer.from(text))),
  somerc: mutated([COMMENTED, YAML].map((text) => Buffer.from(text))),
} as const;

/** Configuration or problems, each on a line, in the file, with a place that is there. */
async function expectConfigOrProblems(name: string, content: Buffer): Promise<boolean> {
  const file = join(folder, name);
  writeFileSync(file, content);
  try {
    const { config } = await loadConfig({ file, cwd: folder, env });
    expect(Object.keys(config.endpoints).length).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    // A parser of YAML may mean the end of what it has added a line to.
    const isJson = name.endsWith(".json");
    const lines = content
      .toString()
      .replace(/^\ufeff/, "")
      .split(/\r\n|\r|\n/);
    for (const { file: where, line, column = 0, message, path = "" } of error.problems) {
      expect(where).toBe(file);
      expectOneLine(message, 2_000);
      expect(path).not.toMatch(/[\r\n]/);
      if (line === undefined || !isJson) continue;
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
      expect(column).toBeGreaterThan(0);
    }
    // Of YAML only what is no YAML has a place.
    const isPlaced = error.problems.every(
      ({ line, message }) => line !== undefined || message.startsWith("the file is empty"),
    );
    if (isJson) expect(isPlaced, error.message).toBe(true);
    return false;
  }
  // It was read: so it was UTF-8, and nothing in it was replaced.
  expect(isUtf8(content), "bytes that are no UTF-8").toBe(true);
  return true;
}

describe.each(Object.entries(documents))("%s", (name, bytes) => {
  test(
    "any file is a configuration, or problems with their places",
    async () => {
      let read = 0;
      const property = fc.asyncProperty(bytes, async (content) => {
        if (await expectConfigOrProblems(name, content)) read++;
      });
      await fuzzAsync(property, 120);
      expect(read).toBeGreaterThan(5);
    },
    TIMEOUT_MS,
  );
});

/** Comments and trailing commas taken out, by another way than the reader's; what then stands there is JSON, or it is not. */
function plainJson(text: string): string {
  const isTaken = /"(?:[^"\\]|\\[\s\S])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g;
  const uncommented = text.replace(isTaken, (part) => (part.startsWith("/") ? " " : part));
  return uncommented.replace(/"(?:[^"\\]|\\[\s\S])*"|,(?=\s*[}\]])/g, (part) => (part === "," ? " " : part));
}

test(
  "a JSON file is read if it is JSON but for comments and trailing commas, and as Node reads the rest",
  () => {
    let read = 0;
    const property = fc.property(documents["some.json"], (bytes) => {
      const text = bytes.toString().replace(/^\ufeff/, "");
      let nodes: { value: unknown } | undefined;
      try {
        nodes = { value: JSON.parse(plainJson(text)) };
      } catch {
        nodes = undefined;
      }
      let ours: ReturnType<typeof readFlawedJson> | undefined;
      try {
        ours = readFlawedJson("f", text);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
      // A comma in front of nothing is no trailing one.
      if (/[[{]\s*,/.test(plainJsonWithCommas(text))) {
        expect(ours).toBeUndefined();
        return;
      }
      expect(ours !== undefined).toBe(nodes !== undefined);
      if (ours === undefined || ours.flaws.length > 0) return;
      read++;
      expect(formOf(ours.value, "written")).toBe(formOf(nodes?.value, "written"));
    });
    fuzz(property, 2_000);
    expect(read).toBeGreaterThan(50);
  },
  TIMEOUT_MS,
);

/** Without comments and texts, so that what is left is structure. */
function plainJsonWithCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\[\s\S])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g, (part) =>
    part.startsWith("/") ? " " : '""',
  );
}

/** A configuration where something else stands in some places than is meant. */
type Change = readonly [place: number, kind: number, value: unknown];

function changed(base: unknown, [place, kind, value]: Change): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const visit = (holder: unknown): void => {
    if (typeof holder !== "object" || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      visit((holder as Record<string, unknown>)[key]);
    }
  };
  const copy = structuredClone(base);
  visit(copy);
  const at = places[place % Math.max(1, places.length)];
  if (at === undefined) return value;
  const { holder, key } = at;
  if (kind === 0) holder[key] = value;
  else if (kind === 1) delete holder[key];
  else if (kind === 2 && !Array.isArray(holder)) holder[typeof value === "string" ? value : `${key}s`] = holder[key];
  else if (Array.isArray(holder)) holder.push(value);
  else holder[key] = [holder[key], value];
  return copy;
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    "",
    "*",
    "echo",
    "a\nb",
    "\ud800",
    "__proto__",
    "constructor",
    [],
    [[]],
    {},
    ...["", "NO}", "LEVEL}"].map((rest) => `$\{${rest}`),
  ),
  fc.constantFrom<unknown>(
    "tcp://127.0.0.1:25933",
    "ipc://a\nb",
    "ipc:///",
    "toString",
    "1s",
    2 ** 53,
    "x".repeat(300),
  ),
  fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }),
);
const misshapen = fc
  .array(fc.tuple(fc.nat(500), fc.nat(3), odd), { maxLength: 3 })
  .map((changes) => changes.reduce<unknown>(changed, FULL));

test(
  "any values are a configuration, or problems that say which",
  () => {
    let read = 0;
    const property = fc.property(misshapen, (input) => {
      try {
        resolveConfig(input as ConfigInput, { folder });
        read++;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.problems.length).toBeGreaterThan(0);
        for (const { message } of error.problems) expectOneLine(message, 2_000);
      }
    });
    fuzz(property, 400);
    expect(read).toBeGreaterThan(10);
  },
  TIMEOUT_MS,
);

test(
  "and so they are from a file, with their places",
  async () => {
    const property = fc.asyncProperty(misshapen, async (input) => {
      await expectConfigOrProblems("some.json", Buffer.from(JSON.stringify(input, null, 1)));
    });
    await fuzzAsync(property, 80);
  },
  TIMEOUT_MS,
);

test.each(corpusOf("config"))(
  "what was kept is a configuration, or problems with their places: $why",
  async ({ bytes }) => {
    for (const name of Object.keys(documents)) await expectConfigOrProblems(name, bytes);
  },
);
