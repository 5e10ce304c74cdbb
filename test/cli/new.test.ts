import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { run, serve } from "../processes.ts";

const GATEWAY = '{ "endpoints": { "all": { "bind": "tcp://127.0.0.1:5000", "handlers": ["*"] } } }';

test("a handler is made in the first plugins folder, and works as it is", async () => {
  const cwd = folderWith({ "config/zmqecho.config.json": '{ "plugins": ["@acme/handlers", "../mine", "../other"] }' });
  const { code, stdout, stderr } = await run(["new", "orders.create"], { cwd });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(
    [
      "made mine/orders.create.ts",
      "no endpoint of the configuration serves it yet; to try it: npx zmqecho serve --handler orders.create --codec json",
      `to call it: npx zmqecho send tcp://127.0.0.1:25933 '{"a":1}' --codec json`,
      'to keep it, under "endpoints" in config/zmqecho.config.json: "orders.create": {"bind":"tcp://127.0.0.1:25934","handler":"orders.create","codec":"json"}',
      "",
    ].join("\n"),
  );
  const { addresses } = await serve(["tcp://127.0.0.1:*", "--handler", "orders.create", "--codec", "json"], { cwd });
  const sent = await run(["send", addresses[0] ?? "", '{"a":1}', "--codec", "json", "-o", "value"]);
  expect([sent.code, sent.stdout]).toEqual([0, '{"got":{"a":1}}\n']);
});

test("--js makes it in JavaScript", async () => {
  const cwd = folderWith({});
  expect((await run(["new", "vat", "--js"], { cwd })).stdout).toMatch(/^made plugins\/vat\.js\n/);
  const checked = await run(["check"], { cwd });
  expect(checked.stdout).toContain("3 handlers (echo, mock and vat)");
});

test("an endpoint that serves it already is named", async () => {
  const { stdout } = await run(["new", "vat"], { cwd: folderWith({ "zmqecho.config.json": GATEWAY }) });
  const call = `to call it: npx zmqecho send --handler vat '{"a":1}' --codec json`;
  expect(stdout).toBe(`made plugins/vat.ts\nendpoint all serves it: npx zmqecho serve\n${call}\n`);
});

test.each(["plugins/vat.ts", "plugins/vat.mjs", "plugins/vat/index.js", "more/vat.ts"])(
  "nothing is made beside %s",
  async (name) => {
    const cwd = folderWith({ "zmqecho.config.json": '{ "plugins": ["./plugins", "./more"] }', [name]: "mine" });
    const { code, stdout, stderr } = await run(["new", "vat"], { cwd });
    expect([code, stdout]).toEqual([70, ""]);
    expect(stderr).toBe(`zmqecho: already_exists: ${name} is there already; nothing is overwritten\n`);
    expect(await readFile(join(cwd, name), "utf8")).toBe("mine");
    expect(name === "plugins/vat.ts" || !existsSync(join(cwd, "plugins/vat.ts"))).toBe(true);
  },
);

test("a shipped plugin gives way to one of that name", async () => {
  const { code, stdout } = await run(["new", "echo"], { cwd: folderWith({}) });
  expect([code, stdout.split("\n")]).toEqual([
    0,
    [
      "made plugins/echo.ts",
      "endpoint echo serves it: npx zmqecho serve",
      'its codec raw carries no objects: set "codec" to "json", or return text',
      "",
    ],
  ]);
});

test("a name that could not be called, or would be passed over, is refused", async () => {
  const cwd = folderWith({});
  const reasons = {
    "../vat": "is no name of a handler",
    ".vat": "is no name of a handler",
    "": "is no name of a handler",
    "a b": "is no name of a handler",
    "vat.ts": "leave out the ending: vat",
    "vat.test": "would be passed over",
    "vat.spec.x": "would be passed over",
    "vat.d": "would be passed over",
  };
  const results = await Promise.all(Object.keys(reasons).map((name) => run(["new", name], { cwd })));
  expect(results.map(({ code, stdout }) => [code, stdout])).toEqual(results.map(() => [2, ""]));
  for (const [index, why] of Object.values(reasons).entries()) expect(results[index]?.stderr).toContain(why);
  expect(await readdir(cwd)).toEqual(["package.json"]);
});

test("without a folder among the plugins there is no place for it", async () => {
  const cwd = folderWith({ "zmqecho.config.json": '{ "plugins": ["@acme/handlers"] }' });
  const { code, stderr } = await run(["new", "vat"], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/zmqecho\.config\.json:1:14: plugins: no entry is a folder/);
});

test("NAME is needed", async () => {
  const { code, stderr } = await run(["new"]);
  expect([code, stderr]).toEqual([2, "zmqecho: missing required argument 'name'\n"]);
});
