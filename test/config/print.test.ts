// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${} is the syntax of the config file
import jsonc from "jsonc-parser";
import { expect, test } from "vitest";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import { describeConfig, listConfig, printConfig } from "../../src/config/print.ts";
import { folderWith } from "./folder.ts";

const content = `{
  "plugins": [],
  "handlers": { "a": { "options": {
    "apiKey": "\${KEY}", "dbPassword": "plain", "token": { "a": 1 }, "secret": "\${KEY:-fallback}", "keyboard": "qwerty", "host": "\${HOST}",
    "pwd": "a", "passphrase": "a", "authorization": "Basic a", "credentials": ["a"],
    "database": "postgres://me:pa@ss@\${HOST}/db?at=a:b@c", "page": "see http://host:80/a@b and redis://:a@h"
  } } },
  "endpoints": { "a": { "bind": "tcp://\${HOST}:1" } }
}`;

async function load() {
  const cwd = folderWith({ "zmqecho.config.json": content });
  return await loadConfig({
    cwd,
    env: { KEY: "hush", HOST: "127.0.0.1", ZMQECHO_LOG_LEVEL: "warn" },
    flags: { watch: false },
  });
}

test("secrets are masked, and what came from the environment is shown as it was written", async () => {
  const { config } = describeConfig(await load());
  expect(config.handlers).toMatchObject({
    a: {
      options: {
        apiKey: "${KEY}",
        dbPassword: "***",
        token: { a: "***" },
        secret: "***",
        keyboard: "qwerty",
        host: "${HOST}",
        pwd: "***",
        passphrase: "***",
        authorization: "***",
        credentials: ["***"],
        database: "postgres://me:***@${HOST}/db?at=a:b@c",
        page: "see http://host:80/a@b and redis://:***@h",
      },
    },
  });
  expect(config.endpoints).toMatchObject({ a: { bind: ["tcp://${HOST}:1"] } });
  expect(JSON.stringify(config)).not.toContain("hush");
});

test("a secret is masked in what is named after several, and within a text", async () => {
  const options = {
    apiKeys: ["a"],
    privatePem: "a",
    cookie: "a",
    dsn: "host=h password=hush dbname=d",
    account: "Name=n;AccountKey=hush==;Suffix=s",
    page: "https://h/x?api_key=hush&page=2&token=${TOKEN}",
    primary: "a=b",
  };
  const loaded = resolveConfig({ handlers: { a: { options } } });
  expect(describeConfig(loaded).config.handlers).toMatchObject({
    a: {
      options: {
        apiKeys: ["***"],
        privatePem: "***",
        cookie: "***",
        dsn: "host=h password=*** dbname=d",
        account: "Name=n;AccountKey=***;Suffix=s",
        page: "https://h/x?api_key=***&page=2&token=${TOKEN}",
        primary: "a=b",
      },
    },
  });
});

test("each value says where it came from", async () => {
  const loaded = await load();
  const { origins } = describeConfig(loaded);
  expect(origins["log.level"]).toEqual({ source: "environment", name: "ZMQECHO_LOG_LEVEL" });
  expect(origins["endpoints.a.bind[0]"]).toEqual({ source: "file", file: loaded.file, line: 8, column: 33 });
  expect(origins["endpoints.a.codec"]).toEqual({ source: "default" });
  expect(origins.plugins).toMatchObject({ source: "file", line: 2 });
  expect(origins.watch).toEqual({ source: "flag" });
});

test("the text form is JSON with comments that says the same", async () => {
  const loaded = await load();
  const text = printConfig(loaded);
  expect(jsonc.parse(text)).toEqual(describeConfig(loaded).config);
  expect(text.split("\n").slice(0, 4)).toEqual([
    `// ${loaded.file}`,
    "{",
    '  "plugins": [], // zmqecho.config.json:2:14',
    '  "watch": false, // flag',
  ]);
  expect(text).toContain('"level": "warn", // ZMQECHO_LOG_LEVEL\n');
  expect(text).toContain('"tcp://${HOST}:1" // zmqecho.config.json:8:33\n');
  expect(text).toContain('"graceMs": 15000 // default\n');
});

test("an endpoint's keys are in the order in which people read them", () => {
  const bind = "tcp://127.0.0.1:1";
  const { endpoints } = resolveConfig({
    endpoints: { a: { queue: 1, bind, codec: "json" }, b: { handlers: ["*"], connect: bind } },
  }).config;
  const last = ["connect", "concurrency", "queue", "limits", "ipcMode"];
  expect(Object.keys(endpoints.a ?? {})).toEqual(["bind", "handler", "codec", ...last]);
  expect(Object.keys(endpoints.b ?? {})).toEqual(["bind", "handlers", "introspection", ...last]);
});

test("without a file it says so", () => {
  expect(printConfig(resolveConfig({}, { folder: "/folder" }))).toMatch(
    /^\/\/ no config file; paths are relative to \/folder\n/,
  );
});

test("a value that is no JSON is told in words", () => {
  const loaded = resolveConfig({ handlers: { a: { options: { when: new Date(0), run: () => 1, big: 1n } } } });
  expect(describeConfig(loaded).config.handlers).toMatchObject({
    a: { options: { when: "an instance of a class", run: "a function", big: "1" } },
  });
});

test("a line for each value says the same as the whole", async () => {
  const loaded = await load();
  const { origins } = describeConfig(loaded);
  const lines = listConfig(loaded);
  expect(lines.map(({ path }) => path)).toEqual(Object.keys(origins));
  expect(lines.find(({ path }) => path === "handlers.a.options.dbPassword")?.value).toBe("***");
  const printed = printConfig(loaded);
  const said = ({ value, origin }: (typeof lines)[number]) => [
    `${JSON.stringify(value)} // ${origin}`,
    `${JSON.stringify(value)}, // ${origin}`,
  ];
  expect(lines.filter((line) => !said(line).some((text) => printed.includes(text)))).toEqual([]);
});
