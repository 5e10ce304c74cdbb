import { expect, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { run } from "../processes.ts";

const CONFIG = `{ "handlers": { "echo": { "options": { "apiKey": "hush" } } },
  "endpoints": { "echo": { "bind": "tcp://127.0.0.1:5000" } } }`;

test("the effective configuration says where each value came from, and keeps secrets", async () => {
  const cwd = folderWith({ "zmqecho.config.json": CONFIG });
  const { code, stdout, stderr } = await run(["config"], { cwd, env: { ZMQECHO_LOG_LEVEL: "warn" } });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n")[0]).toBe(`// ${cwd}/zmqecho.config.json`);
  expect(stdout).toContain('"apiKey": "***" // zmqecho.config.json:1:50\n');
  expect(stdout).toContain('"tcp://127.0.0.1:5000" // zmqecho.config.json:2:36\n');
  expect(stdout).toContain('"level": "warn", // ZMQECHO_LOG_LEVEL\n');
  expect(stdout).toContain('"graceMs": 15000 // default\n');
  expect(stdout).not.toContain("hush");
});

test("-o json is one document", async () => {
  const cwd = folderWith({ "zmqecho.config.json": CONFIG });
  const { code, stdout } = await run(["config", "-o", "json"], { cwd });
  expect(code).toBe(0);
  const described = JSON.parse(stdout);
  expect(described).toMatchObject({ folder: cwd, config: { handlers: { echo: { options: { apiKey: "***" } } } } });
  expect(described.origins["endpoints.echo.bind[0]"]).toMatchObject({ source: "file", line: 2, column: 36 });
});

test("a configuration that can't be used is told in lines, and 2", async () => {
  const cwd = folderWith({ "zmqecho.config.json": '{ "watch": 1, "plugins": 2 }' });
  const { code, stdout, stderr } = await run(["config"], { cwd });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr.trimEnd().split("\n")).toHaveLength(2);
});

test("another form of output is a matter of usage", async () => {
  const { code, stdout, stderr } = await run(["config", "-o", "xml"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^zmqecho: .*text, json.*\n$/);
});
