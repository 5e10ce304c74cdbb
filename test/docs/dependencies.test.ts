/** docs/dependencies.md, package.json and package-lock.json name the same packages, and say exactly which. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BUNDLED } from "../../page/bundled-packages.mjs";
import { type Locked, type Lockfile, runtimePackages } from "../runtime-packages.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const page = read("docs/dependencies.md");
const manifest = JSON.parse(read("package.json")) as Record<"dependencies" | "devDependencies", Record<string, string>>;
const lockfile = JSON.parse(read("package-lock.json")) as Lockfile;
const locked = Object.entries(lockfile.packages).filter(([path]) => path !== "");
const pathsWhere = (wrong: (facts: Locked) => boolean) =>
  locked.filter(([, facts]) => wrong(facts)).map(([path]) => path);

/** The packages that the first column of a section's table names. */
function namedIn(section: string): string[] {
  const [, text = ""] = page.split(`\n## ${section}\n`);
  const [rows = ""] = text.split("\n## ");
  return [...rows.matchAll(/^\| `([^`]+)` /gm)].map(([, name = ""]) => name).sort();
}

test("the page has each package that package.json asks for, and no other", () => {
  expect(namedIn("What zmqecho asks for")).toEqual(Object.keys(manifest.dependencies).sort());
});

test("the page has each package that these bring along, and no other", () => {
  const brought = runtimePackages(lockfile).map(({ name }) => name.replace(/^(@esbuild|@cbor-extract)\/.*/, "$1/…"));
  const others = new Set(brought.filter((name) => !Object.hasOwn(manifest.dependencies, name)));
  expect(namedIn("What comes along")).toEqual([...others].sort());
});

test("the page has each package that is bundled into a host's page, and these are no dependencies", () => {
  expect(namedIn("What is within the page")).toEqual([...BUNDLED]);
  expect(BUNDLED.filter((name) => Object.hasOwn(manifest.dependencies, name))).toEqual([]);
  expect(BUNDLED.filter((name) => !Object.hasOwn(manifest.devDependencies, name))).toEqual([]);
});

test("the page names each package that has an install script", () => {
  const scripted = runtimePackages(lockfile).filter(({ facts }) => facts.hasInstallScript);
  expect(namedIn("Install scripts")).toEqual(scripted.map(({ name }) => name).sort());
});

test("package.json says exactly which version of each", () => {
  const versions = { ...manifest.dependencies, ...manifest.devDependencies };
  expect(Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("the lock file has the version that package.json says of each", () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  const others = versions.filter(([name, version]) => lockfile.packages[`node_modules/${name}`]?.version !== version);
  expect(others).toEqual([]);
});

test("the lock file has a hash of every package, for every platform", () => {
  expect(pathsWhere(({ integrity }) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""))).toEqual([]);
});

test("the lock file takes no package from anywhere but the registry that npm is set up with", () => {
  expect(
    pathsWhere(({ resolved, link, inBundle }) => resolved !== undefined || link === true || inBundle === true),
  ).toEqual([]);
});

test("the one native add-on that is loaded is libzmq's", async () => {
  const script = `
    const { createHost, createClient } = await import("zmqecho");
    const endpoints = { e: { bind: "tcp://127.0.0.1:*", codec: "cbor" } };
    const host = createHost({ endpoints, plugins: [], watch: false });
    await host.start();
    const client = createClient({ connect: host.addresses.get("e")[0], codec: "cbor" });
    await client.request({ text: "x".repeat(1000), list: ["a", "b"] });
    await client.close();
    await host.stop();
    const files = process.report.getReport().sharedObjects.filter((file) => file.includes("node_modules"));
    process.stdout.write(JSON.stringify(files));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/node_modules\/zeromq\/build\/.*\.node$/)]);
});
