import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { run, serve } from "../processes.ts";

function client(connect: string | undefined, codec: "raw" | "json") {
  const made = createClient({ connect: connect ?? "", codec });
  onTestFinished(() => made.close());
  return made;
}

const RULES = `[
  // the first order is refused
  { "match": { "order": 7 }, "times": 1, "error": { "code": "aborted", "message": "sold out" } },
  { "match": { "order": 7 }, "reply": { "ok": true } },
]`;

test("serve --mock answers by rules, with comments in them", async () => {
  const cwd = folderWith({ "rules.json": RULES });
  const served = await serve([ANY_PORT, "--codec", "json", "--mock", "rules.json"], { cwd });
  const { request } = client(served.addresses[0], "json");
  await expect(request({ order: 7 })).rejects.toMatchObject({ code: "aborted", message: "sold out" });
  expect(await request({ order: 7, more: 1 })).toEqual({ ok: true });
  await expect(request({ order: 8 })).rejects.toMatchObject({ code: "not_found" });
});

test("a file of rules may have them as a plugin's options do", async () => {
  const cwd = folderWith({
    "rules.json": `{ "rules": ${RULES} }`,
    "wrong.json": '{ "rules": [{ "rely": 1 }], "rule": 1 }',
  });
  const served = await serve([ANY_PORT, "--codec", "json", "--mock", "rules.json"], { cwd });
  await expect(client(served.addresses[0], "json").request({ order: 7 })).rejects.toThrow("sold out");
  const { code, stderr } = await run(["serve", ANY_PORT, "--mock", "wrong.json"], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain("wrong.json:1:29: rule: there is no such key");
  expect(stderr).toContain("wrong.json:1:15: rules[0].rely: there is no such key");
});

test("serve --mock answers from a recording, in its codec", async () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const cwd = folderWith({
    "r.jsonl": [
      { zmqecho: "recording", version: 1, target: "tcp://127.0.0.1:1", codec: "json", zep: false },
      { n: 1, atMs: 0, request: [base64('{"a":1}')], reply: [base64('"one"')], latencyMs: 1 },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  });
  const served = await serve([ANY_PORT, "--mock", "r.jsonl"], { cwd });
  expect(await client(served.addresses[0], "json").request({ a: 1 })).toBe("one");
});

test("serve --mock answers calls by name from a recording of ZEP/1", async () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const frames = (...texts: string[]) => texts.map(base64);
  const cwd = folderWith({
    "r.jsonl": [
      { zmqecho: "recording", version: 1, target: "tcp://127.0.0.1:1", codec: "raw", zep: true },
      {
        n: 1,
        atMs: 0,
        request: frames("ZEP1 call", "vat", "json", "", "1"),
        reply: frames("ZEP1 ok", "json", "", "2"),
      },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  });
  const served = await serve([ANY_PORT, "--mock", "r.jsonl"], { cwd });
  expect(await client(served.addresses[0], "json").call("vat", 1)).toBe(2);
});

test("mistakes in the rules are exit 2, each with its line and column", async () => {
  const cwd = folderWith({ "rules.json": '[\n  { "mach": 1 },\n  { "error": { "code": "nope" } }\n]' });
  const { code, stderr } = await run(["serve", ANY_PORT, "--mock", "rules.json"], { cwd });
  expect(code).toBe(2);
  expect(stderr.replaceAll(`${cwd}/`, "").split("\n")).toEqual([
    'zmqecho: rules.json:2:5: [0].mach: there is no such key; did you mean "match"?',
    expect.stringMatching(/^zmqecho: rules\.json:3:24: \[1\]\.error\.code: "nope" is no error code; /),
    "",
  ]);
});

test("a reply that the codec can't carry is exit 2, with its place", async () => {
  const cwd = folderWith({ "rules.json": '[\n  { "reply": { "a": 1 } }\n]' });
  const { code, stderr } = await run(["serve", ANY_PORT, "--mock", "rules.json"], { cwd });
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("rules.json:2:14: [0].reply: raw can't encode"),
  });
});

test.each([
  ["--mock with --reply", ["--reply", "x"], "--reply and --mock exclude each other"],
  ["--mock with --handler", ["--handler", "echo"], "--handler and --mock exclude each other"],
])("%s is exit 2", async (_, args, message) => {
  const cwd = folderWith({ "rules.json": "[]" });
  expect(await run(["serve", ANY_PORT, "--mock", "rules.json", ...args], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  });
});

test("a file that is not there is exit 2", async () => {
  expect(await run(["serve", ANY_PORT, "--mock", "rules.json"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--mock rules.json can't be read"),
  });
});
