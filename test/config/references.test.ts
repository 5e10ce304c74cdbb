import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadConfigWithNames, resolveConfig } from "../../src/config/load.ts";
import { formatPath } from "../../src/config/path.ts";
import { checkReferences, type PluginNames } from "../../src/config/references.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { folderWith, problemsOf } from "./folder.ts";

const plugins = { handlers: ["echo", "resize"], codecs: ["upper"] };
const problemsWith = (input: ConfigInput) =>
  checkReferences(resolveConfig(input).config, plugins).map(({ path, message }) => `${formatPath(path)}: ${message}`);

test("what a plugin, the configuration or the house itself offers is found", () => {
  const input: ConfigInput = {
    codecs: { order: { type: "json" } },
    handlers: { thumbs: { plugin: "resize" }, resize: {} },
    endpoints: {
      a: { bind: "tcp://*:1", handler: "thumbs", codec: "order" },
      b: { bind: "tcp://*:2", handler: "resize", codec: "upper" },
      c: { bind: "tcp://*:3", codec: "cbor" },
      d: { bind: "tcp://*:4", handlers: ["*", "nobody.*", "echo", "thumbs"] },
    },
    targets: { t: { connect: "tcp://h:1", codec: "upper" } },
  };
  expect(problemsWith(input)).toEqual([]);
});

test("what nobody offers is a problem at its place, with the nearest name", () => {
  const input: ConfigInput = {
    handlers: { thumbs: { plugin: "resise" }, gone: {} },
    endpoints: {
      a: { bind: "tcp://*:1", handler: "ecko", codec: "jsn" },
      b: { bind: "tcp://*:2", handlers: ["*", "thumb"] },
    },
    targets: { t: { connect: "tcp://h:1", codec: "uper" } },
  };
  expect(problemsWith(input)).toEqual([
    'handlers.thumbs.plugin: there is no plugin "resise"; did you mean "resize"?',
    'handlers.gone: there is no plugin "gone"; there are echo and resize',
    'endpoints.a.handler: there is no handler "ecko"; did you mean "echo"?',
    'endpoints.a.codec: there is no codec "jsn"; did you mean "json"?',
    'endpoints.b.handlers[1]: there is no handler "thumb"; did you mean "thumbs"?',
    'targets.t.codec: there is no codec "uper"; did you mean "upper"?',
  ]);
});

describe("beside what else is wrong", () => {
  /** The problems of one config file, each where it stands. */
  async function problemsIn(content: string, names: PluginNames | undefined): Promise<string[]> {
    const folder = folderWith({ "zmqecho.config.json": content });
    const problems = await problemsOf(
      loadConfigWithNames({ cwd: folder, env: {} }, async () => names),
      folder,
    );
    return problems.map((problem) => problem.replace("zmqecho.config.json:", ""));
  }

  test("names with nothing behind them are told in the order of the file", async () => {
    const content = `{
  "handlers": { "thumbs": { "plugin": "resise", "timeoutMs": 0 } },
  "endpoints": {
    "a": { "bind": "tcp://*:1", "handler": "ecko", "codec": "jsn" },
    "b": { "bind": "tcp://*:70000", "handlers": ["*", "thumb", 5, "shop.*"] }
  },
  "targets": { "t": { "codec": "uper" } }
}`;
    expect(await problemsIn(content, plugins)).toEqual([
      '2:39: handlers.thumbs.plugin: there is no plugin "resise"; did you mean "resize"?',
      "2:62: handlers.thumbs.timeoutMs: expected a whole number from 1 to 2147483647, got 0",
      '4:44: endpoints.a.handler: there is no handler "ecko"; did you mean "echo"?',
      '4:61: endpoints.a.codec: there is no codec "jsn"; did you mean "json"?',
      '5:20: endpoints.b.bind: address "tcp://*:70000": "70000" is no port; ports are 1 to 65535, or * for any free one',
      '5:55: endpoints.b.handlers[1]: there is no handler "thumb"; did you mean "thumbs"?',
      expect.stringMatching(/^5:64: endpoints\.b\.handlers\[2\]: /),
      '7:21: targets.t.connect: missing: expected an address, such as "tcp://127.0.0.1:25933", or a list of addresses',
      '7:32: targets.t.codec: there is no codec "uper"; did you mean "upper"?',
    ]);
  });

  test("a place that is wrong already is complained of once", async () => {
    expect(
      await problemsIn(`{ "endpoints": { "a": { "bind": "tcp://*:1", "handler": "no name" } } }`, plugins),
    ).toEqual([expect.stringMatching(/^1:57: endpoints\.a\.handler: expected the name of a handler/)]);
  });

  const dangling = `"endpoints": { "a": { "bind": "tcp://*:1", "handler": "other", "codec": "order" } }`;

  test.each([
    ["plugins", `"plugins": "./mine"`],
    ["an entry of plugins", `"plugins": ["./\${NOT_SET}"]`],
    ["handlers", `"handlers": []`],
    ["codecs", `"codecs": "order"`],
    ["some section", `"codec": { "order": { "type": "json" } }`],
  ])("nothing is said of names while they can't be known, for %s is misshapen", async (_what, mistake) => {
    expect(await problemsIn(`{ ${mistake}, ${dangling} }`, plugins)).toHaveLength(1);
  });

  test("nothing is said of names if a section with some is there twice", async () => {
    const codecs = `"codecs": {}, "codecs": { "order": { "type": "json" } }`;
    expect(await problemsIn(`{ "watch": 1, ${codecs}, ${dangling} }`, plugins)).toHaveLength(2);
  });

  test("they are told beside a key that is there twice elsewhere, and nothing else", async () => {
    expect(await problemsIn(`{ "watch": true, "watch": true, ${dangling} }`, plugins)).toEqual([
      '1:18: the key "watch" is here twice, first at 1:3; keep one',
      expect.stringMatching(/: endpoints\.a\.handler: there is no handler "other"/),
      expect.stringMatching(/: endpoints\.a\.codec: there is no codec "order"/),
    ]);
  });

  test("at a reload it is the same", async () => {
    const folder = folderWith({ "zmqecho.config.json": "{}" });
    const loaded = await loadConfigWithNames({ cwd: folder, env: {} }, async () => plugins);
    writeFileSync(loaded.files[0] ?? "", `{ "watch": 1, ${dangling} }`);
    expect(await problemsOf(loaded.reload(), folder)).toHaveLength(3);
  });

  test("nothing is said of names if it can't be found out which there are", async () => {
    expect(await problemsIn(`{ "watch": 1, ${dangling} }`, plugins)).toHaveLength(3);
    expect(await problemsIn(`{ "watch": 1, ${dangling} }`, undefined)).toHaveLength(1);
  });
});
