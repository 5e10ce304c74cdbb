import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { ConfigError } from "../../src/errors.ts";
import { problemsIn } from "./folder.ts";

/** The problems of an object, as `path: message`. */
function problemsWith(input: unknown): string[] {
  try {
    resolveConfig(input as ConfigInput, { folder: "/folder" });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const endpoint = (settings: object) => ({ endpoints: { a: { bind: "tcp://127.0.0.1:1", ...settings } } });

test("all problems come at once, in the order of the file, each with its line and column", async () => {
  const content = `{
  "plugns": [],
  "endpoints": {
    "orders": { "bind": ["tcp://*:5555", "tcp://*:70000"], "queue": "many", "handlers": ["a"], "codec": "json" },
    "d": 5
  },
  "targets": { "prod": { "connect": 7 } }
}`;
  expect(await problemsIn(content)).toEqual([
    '2:3: plugns: unknown key "plugns"; did you mean "plugins"?',
    '4:42: endpoints.orders.bind[1]: address "tcp://*:70000": "70000" is no port; ports are 1 to 65535, or * for any free one',
    '4:69: endpoints.orders.queue: expected a whole number from 0 to 1000000, got "many"',
    '4:96: endpoints.orders.codec: "codec" goes with "handler"; with "handlers" each call names its own',
    "5:10: endpoints.d: expected an object, got 5",
    '7:37: targets.prod.connect: expected an address, such as "tcp://127.0.0.1:25933", or a list of addresses, got 7',
  ]);
});

test("a key twice in one object is told beside them, whatever its second value is", async () => {
  const content = `{
  "watch": 1,
  "endpoints": { "a": { "bind": "tcp://*:1", "queue": -1, "queue": "many" } },
  "watch": 2
}`;
  expect(await problemsIn(content)).toEqual([
    "2:12: watch: expected true or false, got 1",
    "3:55: endpoints.a.queue: expected a whole number from 0 to 1000000, got -1",
    '3:59: the key "queue" is here twice, first at 3:46; keep one',
    '4:3: the key "watch" is here twice, first at 2:3; keep one',
  ]);
});

test.each([[[]], ["text"], [5], [null]])("the whole must be an object, not %j", (input) => {
  expect(problemsWith(input)).toEqual([expect.stringMatching(/expected an object, got /)]);
});

describe("unknown keys", () => {
  test.each([
    [{ watsh: true }, 'watsh: unknown key "watsh"; did you mean "watch"?'],
    [
      endpoint({ limits: { maxDepht: 1 } }),
      'endpoints.a.limits.maxDepht: unknown key "maxDepht"; did you mean "maxDepth"?',
    ],
    [{ log: { file: "x" } }, 'log.file: unknown key "file"; there are level and format'],
    [{ codecs: { a: { type: "json", proto: "x" } } }, 'codecs.a.proto: unknown key "proto"; there is only type'],
    [
      { codecs: { a: { type: "protobuf", protos: "x" } } },
      'codecs.a.protos: unknown key "protos"; did you mean "proto"?',
    ],
    [{ handlers: { a: { timeoutMS: 5 } } }, 'handlers.a.timeoutMS: unknown key "timeoutMS"; did you mean "timeoutMs"?'],
  ])("%j", (input, problem) => {
    expect(problemsWith(input)).toEqual([problem]);
  });

  test("are pointed at where the key stands", async () => {
    expect(await problemsIn('{ "log": {\n  "lvel": "info" } }')).toEqual([
      '2:3: log.lvel: unknown key "lvel"; did you mean "level"?',
    ]);
  });
});

describe("keys are asked for in full, or not at all", () => {
  test.each([
    [
      endpoint({ curve: {} }),
      [
        "endpoints.a.curve.certificate: missing: expected the path of a secret certificate",
        "endpoints.a.curve.allow: missing: expected the path of a folder",
      ],
    ],
    [
      { targets: { t: { connect: "tcp://h:1", curve: { certificate: "me.key_secret" } } } },
      ["targets.t.curve.serverKey: missing: expected the path of a certificate"],
    ],
  ])("%j", (input, problems) => {
    expect(problemsWith(input)).toEqual(problems);
  });
});

describe("nothing is converted", () => {
  test.each([
    [{ watch: "true" }, 'watch: expected true or false, got "true"'],
    [{ plugins: "./plugins" }, 'plugins: expected a list of folders and npm packages, got "./plugins"'],
    [{ plugins: ["a", 1] }, "plugins[1]: expected the path of a folder, or the name of an npm package, got 1"],
    [endpoint({ concurrency: "4" }), 'endpoints.a.concurrency: expected a whole number from 1 to 65536, got "4"'],
    [endpoint({ concurrency: 1.5 }), "endpoints.a.concurrency: expected a whole number from 1 to 65536, got 1.5"],
    [endpoint({ concurrency: 0 }), "endpoints.a.concurrency: expected a whole number from 1 to 65536, got 0"],
    [endpoint({ queue: Number.NaN }), "endpoints.a.queue: expected a whole number from 0 to 1000000, got NaN"],
    [endpoint({ queue: null }), "endpoints.a.queue: expected a whole number from 0 to 1000000, got null"],
    [endpoint({ ipcMode: 700 }), 'endpoints.a.ipcMode: expected an octal mode as text, such as "0700", got 700'],
    [endpoint({ ipcMode: "0790" }), 'endpoints.a.ipcMode: expected an octal mode as text, such as "0700", got "0790"'],
    [
      { log: { level: "warning" } },
      'log.level: expected one of "debug", "info", "warn", "error", "silent", got "warning"',
    ],
    [
      { codecs: { a: { type: "jsn" } } },
      'codecs.a.type: expected one of "raw", "json", "cbor", "msgpack", "protobuf", got "jsn"; did you mean "json"?',
    ],
    [{ codecs: { a: {} } }, 'codecs.a.type: missing: expected one of "raw", "json", "cbor", "msgpack", "protobuf"'],
    [{ codecs: { a: "json" } }, 'codecs.a: expected an object with a type, got "json"'],
    [{ handlers: { a: { options: [] } } }, "handlers.a.options: expected an object, got an empty list"],
    [
      { targets: { t: {} } },
      'targets.t.connect: missing: expected an address, such as "tcp://127.0.0.1:25933", or a list of addresses',
    ],
  ])("%j", (input, problem) => {
    expect(problemsWith(input)).toEqual([problem]);
  });
});

describe("names", () => {
  test.each(["a", "orders.create", "A-1_b", "0"])("%j is one", (name) => {
    expect(problemsWith({ handlers: { [name]: {} }, targets: { [name]: { connect: "tcp://h:1" } } })).toEqual([]);
  });

  test.each(["", ".a", "-a", "a b", "a/b", "ä"])("%j is none", (name) => {
    expect(problemsWith({ handlers: { [name]: {} } })).toEqual([
      expect.stringContaining("expected a name: letters, digits"),
    ]);
  });

  test.each(["orders.*", "*", "orders"])("a list of handlers may hold %j", (name) => {
    expect(problemsWith(endpoint({ handlers: [name] }))).toEqual([]);
  });

  test.each(["*.a", "a*", "", "a.*.b"])("a list of handlers may not hold %j", (name) => {
    expect(problemsWith(endpoint({ handlers: [name] }))).toEqual([
      `endpoints.a.handlers[0]: expected the name of a handler, "prefix.*", or "*", got ${JSON.stringify(name)}`,
    ]);
  });
});

describe("endpoints", () => {
  test.each([
    [{ endpoints: {} }, "endpoints: expected at least one endpoint; leave the key out for the echo server"],
    [{ endpoints: { a: {} } }, 'endpoints.a: an endpoint needs "bind", such as "tcp://127.0.0.1:25933", or "connect"'],
    [endpoint({ bind: [] }), "endpoints.a.bind: expected at least one of the addresses, got an empty list"],
    [
      endpoint({ handler: "a", handlers: ["a"] }),
      'endpoints.a.handlers: "handler" and "handlers" exclude each other; keep one',
    ],
    [endpoint({ introspection: false }), 'endpoints.a.introspection: "introspection" goes with "handlers"'],
    [
      endpoint({ handlers: [] }),
      'endpoints.a.handlers: expected at least one name; "*" allows every handler, got an empty list',
    ],
    [endpoint({ connect: "tcp://*:5" }), /^endpoints\.a\.connect: address .* to connect, name the host/],
    [
      endpoint({ connect: ["tcp://h:5", "tcp://H:5"] }),
      "endpoints.a.connect[1]: the same address as endpoints.a.connect[0]; leave one out",
    ],
    [
      endpoint({ bind: ["tcp://*:5", "tcp://0.0.0.0:5"] }),
      "endpoints.a.bind[1]: the same address as endpoints.a.bind[0]; give it another",
    ],
  ])("%j", (input, problem) => {
    expect(problemsWith(input)).toEqual([typeof problem === "string" ? problem : expect.stringMatching(problem)]);
  });

  test("two may not bind one address, however it is written", () => {
    const endpoints = { a: { bind: "ipc://run/a" }, b: { bind: ["ipc:///folder/run/../run/a"] } };
    expect(problemsWith({ endpoints })).toEqual([
      "endpoints.b.bind[0]: the same address as endpoints.a.bind; give it another",
    ]);
  });

  test("several may bind a port that the system chooses, and connect to one broker", () => {
    const any = { bind: "tcp://127.0.0.1:*", connect: "tcp://h:1" };
    expect(problemsWith({ endpoints: { a: any, b: any } })).toEqual([]);
  });
});

test("a codec may not take the name of a built-in one", () => {
  expect(problemsWith({ codecs: { json: { type: "cbor" } } })).toEqual([
    'codecs.json: json is the name of a built-in codec; choose another, such as "my-json"',
  ]);
});

test("a target may not take the name of an endpoint", () => {
  expect(problemsWith({ ...endpoint({}), targets: { a: { connect: "tcp://h:1" } } })).toEqual([
    "targets.a: an endpoint has this name too; --endpoint could mean either, so choose another",
  ]);
});

test("what is wrong with http and capture", () => {
  expect(
    problemsWith({
      http: { bind: "localhost:9464", hosts: ["ops.example:9464"], payloads: 1 },
      capture: { codes: ["ok", "intrnal"], max: 0 },
    }),
  ).toEqual([
    'http.bind: address "localhost:9464": names are not bound; write an IP address, such as 127.0.0.1:9464',
    `http.hosts[0]: expected a host's name in lower case, without a port, got "ops.example:9464"`,
    "http.payloads: expected true or false, got 1",
    "capture.dir: missing: expected the path of a folder",
    expect.stringMatching(/^capture\.codes\[0\]: expected one of "canceled", .*, got "ok"$/),
    expect.stringMatching(/^capture\.codes\[1\]: .*, got "intrnal"; did you mean "internal"\?$/),
    "capture.max: expected a whole number from 1 to 1000000, got 0",
  ]);
});
