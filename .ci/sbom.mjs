/**
 * What a release is made of, as CycloneDX: `node .ci/sbom.mjs [FILE]`, by default sbom.cdx.json. All packages that the lock file has
 * for users, on any platform, with their hashes. `npm sbom --omit=dev` in the checkout leaves out what the development tools want as
 * well (esbuild, zod); so it is asked in a folder that has none of them. What is bundled into the page is in a release too, as if it
 * were depended on.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BUNDLED } from "../page/bundled-packages.mjs";

const checkout = new URL("..", import.meta.url).pathname;
const file = resolve(process.argv[2] ?? "sbom.cdx.json");
const { devDependencies, scripts: _, ...manifest } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"));
for (const name of BUNDLED) manifest.dependencies[name] = devDependencies[name];
const work = mkdtempSync(join(tmpdir(), "zmqecho-sbom-"));
// npm takes the folder's name for the package's.
const folder = join(work, manifest.name);
const npm = (...args) =>
  execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
try {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  copyFileSync(join(checkout, "package-lock.json"), join(folder, "package-lock.json"));
  npm("install", "--package-lock-only", "--offline", "--ignore-scripts", "--silent");
  writeFileSync(file, npm("sbom", "--package-lock-only", "--sbom-format=cyclonedx"));
} finally {
  rmSync(work, { recursive: true, force: true });
}
