// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${} is the syntax of the config file
import { describe, expect, test } from "vitest";
import { interpolate } from "../../src/config/interpolate.ts";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import { folderWith, problemsIn } from "./folder.ts";

const env = { HOST: "robot", EMPTY: "", NESTED: "${HOST}" };

describe("a text", () => {
  test.each([
    ["tcp://${HOST}:1", "tcp://robot:1"],
    ["${HOST}${HOST}", "robotrobot"],
    ["${GONE:-there}", "there"],
    ["${EMPTY:-there}", "there"],
    ["${EMPTY}", ""],
    ["${GONE:-}", ""],
    ["${HOST:-there}", "robot"],
    ["${NESTED}", "${HOST}"],
    ["$${HOST}", "${HOST}"],
    ["$HOST, $, {HOST}", "$HOST, $, {HOST}"],
  ])("%s becomes %s", (text, expected) => {
    const { value, problems } = interpolate({ a: [text] }, env);
    expect({ value, problems }).toEqual({ value: { a: [expected] }, problems: [] });
  });

  test.each(["${GONE}", "${}", "${1A}", "${HOST", "${HOST-x}", "${A B}"])("%s is a problem", (text) => {
    expect(interpolate({ a: [text] }, env).problems).toEqual([{ path: ["a", 0], message: expect.any(String) }]);
  });
});

test("keys stay as they are", () => {
  expect(interpolate({ "${HOST}": 1 }, env).value).toEqual({ "${HOST}": 1 });
});

test("one that is not set is an error at its place", async () => {
  expect(await problemsIn('{ "log": {},\n  "plugins": ["${PLUGINS}"] }')).toEqual([
    "2:15: plugins[0]: the environment variable PLUGINS is not set; set it, or write ${PLUGINS:-default}",
  ]);
});

test("what a variable holds is not told in an error", async () => {
  const problems = await problemsIn('{ "endpoints": { "a": { "bind": "tcp://*:1", "queue": "${SECRET}" } } }', {
    SECRET: "hush",
  });
  expect(problems).toEqual([
    '1:55: endpoints.a.queue: expected a whole number from 0 to 1000000, got "${SECRET}"; a variable makes text only',
  ]);
});

test("where text can't be right, an error says that a variable makes text only", async () => {
  const endpoint = '{ "bind": "tcp://*:1", "concurrency": "${N:-16}", "handler": "${NAME}" }';
  expect(await problemsIn(`{ "endpoints": { "a": ${endpoint} } }`, { NAME: "a b" })).toEqual([
    '1:61: endpoints.a.concurrency: expected a whole number from 1 to 65536, got "${N:-16}"; a variable makes text only',
    expect.stringMatching(/^1:84: endpoints\.a\.handler: expected the name of a handler: .*, got "\$\{NAME\}"$/),
  ]);
});

test("the file's variables are filled in, those of flags and of objects are not", async () => {
  const cwd = folderWith({ "zmqecho.config.json": '{ "handlers": { "a": { "options": { "list": ["${HOST}"] } } } }' });
  const flags = { handlers: { b: { options: { text: "${HOST}" } } } };
  const { config } = await loadConfig({ cwd, env, flags });
  expect(config.handlers.a?.options).toEqual({ list: ["robot"] });
  expect(config.handlers.b?.options).toEqual({ text: "${HOST}" });
  expect(resolveConfig(flags).config.handlers.b?.options).toEqual({ text: "${HOST}" });
});
