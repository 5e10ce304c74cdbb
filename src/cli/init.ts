/** `zmqecho init`: a folder in which `serve`, `send` and the test of a handler work at once. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { findConfigFile } from "../config/file.ts";
import { usageError } from "./failure.ts";
import { alreadyThere, writeNewFile } from "./new-file.ts";
import { ownVersion, SCHEMA_FILE } from "./own-package.ts";
import { shellQuoted } from "./shell.ts";
import { configText, GITIGNORE, HELLO_HANDLER, HELLO_TEST, packageText } from "./templates.ts";

/**
 * Makes the files, says which, and what to do next. A package.json and a .gitignore that are there are left as they are.
 * Throws `already_exists` if any other file is there, or another configuration: then nothing is made at all.
 */
export async function init(given = "."): Promise<void> {
  const folder = resolve(given);
  const facts = await stat(folder).catch(() => undefined);
  if (facts !== undefined && !facts.isDirectory()) throw usageError(`${given} is a file; name a folder`);
  await refuseConfigured(folder, facts !== undefined);

  const installed = installedSchema(folder);
  const files = new Map([
    ["zmqecho.config.json", configText(installed ?? "./zmqecho.schema.json")],
    ["plugins/hello.ts", HELLO_HANDLER],
    ["test/hello.test.mjs", HELLO_TEST],
  ]);
  // An editor finds it before anything is installed.
  if (installed === undefined) files.set("zmqecho.schema.json", await readFile(SCHEMA_FILE, "utf8"));
  const there = [...files.keys()].filter((name) => existsSync(join(folder, name)));
  if (there.length > 0) throw alreadyThere(there.map((name) => join(given, name)));

  const hasPackage = existsSync(join(folder, "package.json"));
  if (!hasPackage) files.set("package.json", packageText(ownVersion()));
  if (!existsSync(join(folder, ".gitignore"))) files.set(".gitignore", GITIGNORE);
  for (const [name, content] of files) {
    await writeNewFile(join(folder, name), content);
    process.stdout.write(`made ${join(given, name)}\n`);
  }
  const enter = folder === process.cwd() ? "" : `cd ${shellQuoted(given)} && `;
  const install = installed !== undefined ? "" : `npm install ${hasPackage ? "zmqecho " : ""}&& `;
  process.stdout.write(`next:
  ${enter}${install}npx zmqecho serve
  ${enter}npx zmqecho send '"World"'   # in another terminal
  ${enter}node --test   # the handler's test
`);
}

/** A second configuration would take the place of the first, or never be read. */
async function refuseConfigured(folder: string, isThere: boolean): Promise<void> {
  const found = isThere ? await findConfigFile(folder) : undefined;
  if (found?.file.startsWith(folder + sep)) throw alreadyThere([relative(process.cwd(), found.file)]);
}

/** The schema of the package that is installed for this folder, as its config file can name it. */
function installedSchema(folder: string): string | undefined {
  for (let above = folder; ; above = dirname(above)) {
    const file = join(above, "node_modules/zmqecho/config/zmqecho.schema.json");
    if (existsSync(file)) {
      const way = relative(folder, file);
      return way.startsWith("..") ? way : `./${way}`;
    }
    if (above === dirname(above)) return undefined;
  }
}
