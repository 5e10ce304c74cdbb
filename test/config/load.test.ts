import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config/defaults.ts";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import { folderWith, problemsIn } from "./folder.ts";

const env = {};

describe("defaults", () => {
  test("with no file there is the echo endpoint, and paths start at the working directory", async () => {
    const cwd = folderWith({});
    const { config, file, folder } = await loadConfig({ cwd, env });
    expect({ file, folder }).toEqual({ file: undefined, folder: cwd });
    expect(config).toEqual({
      plugins: [join(cwd, "plugins")],
      watch: true,
      codecs: {},
      handlers: {},
      endpoints: {
        echo: {
          bind: ["tcp://127.0.0.1:25933"],
          connect: [],
          handler: "echo",
          codec: "raw",
          concurrency: 1,
          queue: 256,
          ipcMode: "0700",
          limits: DEFAULTS.limits,
        },
      },
      targets: {},
      limits: { maxMessageBytes: 4_194_304, maxFrames: 64, maxDepth: 128, handshakeMs: 5_000, lingerMs: 2_000 },
      log: { level: "info", format: "auto" },
      shutdown: { graceMs: 15_000 },
    });
  });

  test("an endpoint's limits lie over the global ones", () => {
    const { config } = resolveConfig({
      limits: { maxFrames: 5, maxDepth: 6 },
      endpoints: { a: { bind: "tcp://*:1", limits: { maxFrames: 7 } } },
    });
    expect(config.endpoints.a?.limits).toEqual({ ...DEFAULTS.limits, maxFrames: 7, maxDepth: 6 });
  });

  test("an endpoint with handlers has introspection and neither handler nor codec", () => {
    const { config } = resolveConfig({ endpoints: { a: { bind: "tcp://*:1", handlers: ["*", "shop.*", "vat"] } } });
    expect(config.endpoints.a).toMatchObject({ handlers: ["*", "shop.*", "vat"], introspection: true });
    expect(config.endpoints.a).not.toHaveProperty("handler");
    expect(config.endpoints.a).not.toHaveProperty("codec");
  });

  test("a look-up by name finds nothing that nobody wrote", () => {
    const { config } = resolveConfig({});
    for (const record of [config.endpoints, config.targets, config.codecs, config.handlers]) {
      expect(record.constructor).toBeUndefined();
    }
  });

  test("a property that is undefined is as if it were not there", () => {
    const input = { endpoints: { a: { bind: "tcp://*:1", codec: undefined } }, log: undefined } as object;
    expect(resolveConfig(input).config.endpoints.a?.codec).toBe("raw");
  });
});

describe("paths", () => {
  test("relative ones are made absolute from the file's folder, lists of one are lists", async () => {
    const cwd = folderWith({
      "config/zmqecho.config.json": `{
        "plugins": ["../plugins", "/abs", "npm-package", "@scope/package"],
        "codecs": { "one": { "type": "protobuf", "proto": "a.proto", "include": ["inc"] }, "two": { "type": "protobuf", "proto": ["../b.proto"] } },
        "endpoints": { "a": { "bind": ["ipc://run/a", "ipc:///run/b", "ipc://@abstract"], "connect": "ipc://c" } },
        "targets": { "t": { "connect": "ipc://../t" } }
      }`,
    });
    const { config, folder } = await loadConfig({ cwd, env });
    const at = (path: string) => join(cwd, path);
    expect(folder).toBe(at("config"));
    expect(config.plugins).toEqual([at("plugins"), "/abs", "npm-package", "@scope/package"]);
    expect(config.codecs.one).toEqual({ type: "protobuf", proto: [at("config/a.proto")], include: [at("config/inc")] });
    expect(config.codecs.two).toEqual({ type: "protobuf", proto: [at("b.proto")] });
    expect(config.endpoints.a?.bind).toEqual([`ipc://${at("config/run/a")}`, "ipc:///run/b", "ipc://@abstract"]);
    expect(config.endpoints.a?.connect).toEqual([`ipc://${at("config/c")}`]);
    expect(config.targets.t?.connect).toEqual([`ipc://${at("t")}`]);
  });

  test("those of flags start at the working directory", async () => {
    const cwd = folderWith({
      "config/zmqecho.config.json": '{ "codecs": { "a": { "type": "protobuf", "proto": "a.proto" } } }',
    });
    const { config } = await loadConfig({ cwd, env, flags: { codecs: { b: { type: "protobuf", proto: "b.proto" } } } });
    expect(config.codecs).toEqual({
      a: { type: "protobuf", proto: [join(cwd, "config/a.proto")] },
      b: { type: "protobuf", proto: [join(cwd, "b.proto")] },
    });
  });

  test("an ipc path that is too long only once it is absolute is a problem", async () => {
    const long = "d".repeat(95);
    expect(await problemsIn(`{ "endpoints": { "a": { "bind": ["ipc://${long}"] } } }`)).toEqual([
      expect.stringMatching(/^1:34: endpoints\.a\.bind\[0\]: .* 107 at most$/),
    ]);
  });
});

describe("precedence", () => {
  const file = {
    "zmqecho.config.json": '{ "log": { "level": "warn", "format": "json" },\n  "plugins": ["./a", "./b"] }',
  };

  test("flags over the environment over the file over the defaults", async () => {
    const cwd = folderWith(file);
    const variables = { ZMQECHO_LOG_LEVEL: "debug", ZMQECHO_LOG_FORMAT: "pretty" };
    const flags = { log: { level: "silent" } } as const;
    expect((await loadConfig({ cwd, env })).config.log).toEqual({ level: "warn", format: "json" });
    expect((await loadConfig({ cwd, env: variables })).config.log).toEqual({ level: "debug", format: "pretty" });
    expect((await loadConfig({ cwd, env: variables, flags })).config.log).toEqual({
      level: "silent",
      format: "pretty",
    });
  });

  test("a list is replaced whole", async () => {
    const cwd = folderWith(file);
    const { config } = await loadConfig({ cwd, env, flags: { plugins: ["./c"] } });
    expect(config.plugins).toEqual([join(cwd, "c")]);
  });

  test("what flags name takes the place of what the file calls so: a codec, and a target where they name an endpoint", async () => {
    const proto = '{ "type": "protobuf", "proto": "a.proto", "include": ["inc"], "request": "a.A", "response": "a.B" }';
    const target = '{ "connect": "tcp://127.0.0.1:2" }';
    const cwd = folderWith({
      "zmqecho.config.json": `{ "codecs": { "a": ${proto}, "b": ${proto} }, "targets": { "e": ${target}, "f": ${target} } }`,
    });
    const { config } = await loadConfig({
      cwd,
      env,
      flags: {
        codecs: { a: { type: "protobuf", proto: "c.proto", request: "c.C" } },
        endpoints: { e: { bind: "tcp://127.0.0.1:1" } },
      },
    });
    expect(config.codecs.a).toEqual({ type: "protobuf", proto: [join(cwd, "c.proto")], request: "c.C" });
    expect(config.codecs.b).toMatchObject({ response: "a.B" });
    expect([Object.keys(config.endpoints), Object.keys(config.targets)]).toEqual([["e"], ["f"]]);
  });

  test("each value knows its origin", async () => {
    const cwd = folderWith(file);
    const loaded = await loadConfig({ cwd, env: { ZMQECHO_LOG_LEVEL: "debug" }, flags: { shutdown: { graceMs: 1 } } });
    const path = join(cwd, "zmqecho.config.json");
    expect(loaded.origin(["log", "level"])).toEqual({ source: "environment", name: "ZMQECHO_LOG_LEVEL" });
    expect(loaded.origin(["log", "format"])).toEqual({ source: "file", file: path, line: 1, column: 39 });
    expect(loaded.origin(["plugins", 1])).toEqual({ source: "file", file: path, line: 2, column: 22 });
    expect(loaded.origin(["shutdown", "graceMs"])).toEqual({ source: "flag" });
    expect(loaded.origin(["limits", "maxDepth"])).toEqual({ source: "default" });
  });

  test("a bad variable is named", async () => {
    expect(await problemsIn("{}", { ZMQECHO_LOG_LEVEL: "inf" })).toEqual([
      'log.level: expected one of "debug", "info", "warn", "error", "silent", got "inf"; did you mean "info"? (from the environment variable ZMQECHO_LOG_LEVEL)',
    ]);
  });

  test("a variable that is set to nothing counts as unset", async () => {
    const { config, file: found } = await loadConfig({
      cwd: folderWith({}),
      env: { ZMQECHO_LOG_LEVEL: "", ZMQECHO_CONFIG: "" },
    });
    expect([config.log.level, found]).toEqual(["info", undefined]);
  });
});

describe("a problem found later", () => {
  const content = '{\n  "endpoints": {\n    "a": { "bind": "tcp://*:1", "codec": "x" }\n  }\n}';

  test("has the place of the value", async () => {
    const cwd = folderWith({ "zmqecho.config.json": content });
    const { problem } = await loadConfig({ cwd, env });
    const file = join(cwd, "zmqecho.config.json");
    expect(problem(["endpoints", "a", "codec"], "no")).toEqual({
      file,
      line: 3,
      column: 42,
      path: "endpoints.a.codec",
      message: "no",
    });
  });

  test("has the place of what is around a value that nobody wrote, and of the one that stands for a list", async () => {
    const cwd = folderWith({ "zmqecho.config.json": content });
    const { problem } = await loadConfig({ cwd, env });
    expect(problem(["endpoints", "a", "handler"], "no")).toMatchObject({
      line: 3,
      column: 10,
      path: "endpoints.a.handler",
    });
    expect(problem(["endpoints", "a", "bind", 0], "no")).toMatchObject({
      line: 3,
      column: 20,
      path: "endpoints.a.bind[0]",
    });
  });
});
