/** What `npm pack` makes, and what can be done with it in a folder that has nothing else. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLED } from "../../page/bundled-packages.mjs";

const root = new URL("../..", import.meta.url).pathname;
const run = promisify(execFile);
let folder: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zmqecho-package-"));
  const packing = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const tarball = join(folder, (await run("npm", packing, { cwd: root })).stdout.trim());
  const listed = await run("tar", ["--list", "--file", tarball]);
  files = listed.stdout
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  await writeFile(join(folder, "package.json"), '{"private":true,"type":"module"}');
  await run("npm", ["install", "--silent", "--ignore-scripts", tarball], { cwd: folder });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("holds what package.json names, and nothing of tests or sources but plugins", () => {
  const needed = ["bin.js", "index.js", "index.d.ts", "testing.js", "testing.d.ts"].map((file) => `dist/${file}`);
  needed.push("package.json", "plugins/echo.ts", "config/zmqecho.schema.json", "config/zmqecho.config.json");
  needed.push("README.md", "LICENSE", "CHANGELOG.md");
  expect(needed.filter((file) => !files.includes(file))).toEqual([]);
  const allowed =
    /^(dist\/[\w/-]+\.(js|js\.map|d\.ts)|dist\/page\/(index\.html|page\.(js|css)|icon\.svg|LICENSES\.txt)|plugins\/[\w.-]+\.ts|config\/[\w.-]+\.json|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
  expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  expect(files.filter((file) => file.includes(".test."))).toEqual([]);
});

test("has the page, and the licences of what it is made of", async () => {
  const page = ["index.html", "page.js", "page.css", "icon.svg"].map((file) => `dist/page/${file}`);
  expect(page.filter((file) => !files.includes(file))).toEqual([]);
  const licences = await readFile(join(folder, "node_modules/zmqecho/dist/page/LICENSES.txt"), "utf8");
  for (const name of BUNDLED) expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n\n[^]*MIT`, "m"));
});

test("has nothing left from an earlier build", async () => {
  const modules = files.filter((file) => /^dist\/(?!page\/).*\.js$/.test(file));
  const sources = modules.map((file) => file.replace(/^dist/, "src").replace(/\.js$/, ".ts"));
  const missing = await Promise.all(
    sources.map((file) =>
      readFile(join(root, file)).then(
        () => [],
        () => [file],
      ),
    ),
  );
  expect(missing.flat()).toEqual([]);
});

test("exports the library, zmqecho/testing and package.json, and nothing inside", async () => {
  const script = `
    const names = async (path) => Object.keys(await import(path)).sort();
    const { default: manifest } = await import("zmqecho/package.json", { with: { type: "json" } });
    const inside = await import("zmqecho/dist/host.js").then(() => "open", ({ code }) => code);
    console.log(JSON.stringify({ library: await names("zmqecho"), testing: await names("zmqecho/testing"), name: manifest.name, inside }));
  `;
  await writeFile(join(folder, "exports.mjs"), script);
  const { stdout } = await run(process.execPath, ["exports.mjs"], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual({
    library: [
      "CallError",
      "ConfigError",
      "ERROR_CODES",
      "ZmqEchoError",
      "createClient",
      "createCodec",
      "createHost",
      "defineCodec",
      "defineConfig",
      "defineHandler",
      "loadConfig",
      "mock",
      "readCertificate",
    ],
    testing: ["testHandler"],
    name: "zmqecho",
    inside: "ERR_PACKAGE_PATH_NOT_EXPORTED",
  });
});

const CONSUMER = `
import { createClient, createCodec, createHost, defineConfig, defineHandler, type Value, ZmqEchoError } from "zmqecho";
import { testHandler } from "zmqecho/testing";

const config = defineConfig({ endpoints: { sum: { bind: "tcp://127.0.0.1:*", handler: "sum", codec: "json" } } });
const sum = defineHandler({
  timeoutMs: 1000,
  handle(input) {
    if (!Array.isArray(input)) throw new ZmqEchoError("invalid_argument", "send numbers");
    return input.reduce((total: number, each: number) => total + each, 0);
  },
});
await using host = createHost(config, { handlers: { sum } });
await host.start();
await using client = createClient({ connect: host.addresses.get("sum") ?? [], codec: "json" });
const reply: Value = await client.request([1, 2, 3]);
await using tested = await testHandler(sum, { codec: "json" });
const same: Value = await tested.call([1, 2, 3]);
console.log(JSON.stringify([reply, same, createCodec("json").name]));
export function mistakes(): unknown[] {
  return [
    // @ts-expect-error: what is misspelt is an error where it is written
    defineConfig({ endpoint: {} }),
    // @ts-expect-error: a code that there is not
    new ZmqEchoError("no_such_code", ""),
  ];
}
`;

test("its types hold in a project of its own, and what compiles runs", async () => {
  const consumer = join(folder, "consumer");
  await mkdir(join(consumer, "node_modules/@types"), { recursive: true });
  await symlink(join(root, "node_modules/@types/node"), join(consumer, "node_modules/@types/node"));
  await writeFile(join(consumer, "package.json"), '{"private":true,"type":"module"}');
  await writeFile(join(consumer, "main.ts"), CONSUMER);
  const options = ["--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext"];
  const compile = [join(root, "node_modules/.bin/tsc"), ...options, "--types", "node", "--outDir", "out", "main.ts"];
  const compiled = await run(process.execPath, compile, { cwd: consumer }).catch((error) => error);
  expect(compiled.stdout).toBe("");
  expect(compiled.code).toBeUndefined();
  const { stdout } = await run(process.execPath, ["out/main.js"], { cwd: consumer });
  expect(JSON.parse(stdout)).toEqual([6, 6, "json"]);
});
