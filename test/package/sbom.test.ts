/** The list of what is in a release: each package that users get, and no other. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLED } from "../../page/bundled-packages.mjs";
import { type Lockfile, runtimePackages } from "../runtime-packages.ts";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const root = new URL("../..", import.meta.url).pathname;
const read = async (file: string) => JSON.parse(await readFile(join(root, file), "utf8")) as unknown;
const manifest = (await read("package.json")) as {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const lockfile = (await read("package-lock.json")) as Lockfile;
/** They come within dist/page. */
const bundled = BUNDLED.map((name) => ({ name, facts: lockfile.packages[`node_modules/${name}`] ?? {} }));
const expected = [...runtimePackages(lockfile), ...bundled];
let folder: string;
let sbom: Sbom;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "zmqecho-sbom-test-"));
  const file = join(folder, "sbom.cdx.json");
  await promisify(execFile)("npm", ["run", "--silent", "sbom", file], { cwd: root });
  sbom = JSON.parse(await readFile(file, "utf8"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("it is CycloneDX, of this version of zmqecho", () => {
  expect(sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: expect.stringMatching(/^1\.\d$/) });
  expect(sbom.metadata.component).toMatchObject({ name: "zmqecho", version: manifest.version });
});

test("it has each package that users get, and none that only we use", () => {
  const named = sbom.components.map(({ name, version }) => `${name}@${version}`).sort();
  expect(named).toEqual(expected.map(({ name, facts }) => `${name}@${facts.version}`).sort());
});

test("it has the hash of each, as in the lock file", () => {
  const hashes = sbom.components.map(({ name, version, hashes: [hash] = [] }) => [
    `${name}@${version}`,
    `${hash?.alg.toLowerCase().replace("-", "")}-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`,
  ]);
  const locked = expected.map(({ name, facts }) => [`${name}@${facts.version}`, facts.integrity]);
  expect(Object.fromEntries(hashes)).toEqual(Object.fromEntries(locked));
});

test("it has a license for each", () => {
  expect(sbom.components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name)).toEqual([]);
});

test("it says who asks for whom", () => {
  const own = sbom.dependencies.find(({ ref }) => ref === `zmqecho@${manifest.version}`);
  const within = BUNDLED.map((name): [string, string] => [name, manifest.devDependencies[name] ?? ""]);
  const asked = [...Object.entries(manifest.dependencies), ...within].map(([name, version]) => `${name}@${version}`);
  expect([...(own?.dependsOn ?? [])].sort()).toEqual(asked.sort());
});
