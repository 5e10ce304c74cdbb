/** Finding and reading the config file, whatever its format. */
import { isUtf8 } from "node:buffer";
import { constants, type Stats } from "node:fs";
import { access, lstat, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ConfigError, textOf } from "../errors.ts";
import { printableLine } from "../printable.ts";
import { firstLine } from "../wording.ts";
import type { Evaluated } from "./code-file.ts";
import { quoted } from "./explain.ts";
import { emptyMessage, type LocatedJson, readFlawedJson } from "./located-json.ts";
import { isPlainObject } from "./path.ts";

export interface ConfigFile {
  /** Absolute. */
  readonly file: string;
  readonly value: unknown;
  /** For JSON: where each value stands. */
  readonly position?: LocatedJson["position"];
  /** For JSON: what is wrong with the text, though it can be read. */
  readonly flaws: LocatedJson["flaws"];
  /** The files it is made of, absolute: itself and, if it is code, what it imports. */
  readonly inputs: readonly string[];
  /** For code: another one for other code. */
  readonly hash?: string;
}

/** Looked for first, in each folder on the way up. */
export const FIRST_PLACE = "zmqecho.config.json";
/** All that come before cosmiconfig's own. */
export const FIRST_PLACES = [FIRST_PLACE, "config/zmqecho.config.json"];
/** Of a package.json. */
export const PACKAGE_KEY = "zmqecho";

/** Reads the file that somebody named. Throws {@link ConfigError} if it is missing, a folder, unreadable, empty or broken. */
export async function readConfigFile(file: string, namedBy?: string): Promise<ConfigFile> {
  const by = namedBy === undefined ? "" : ` (named by ${namedBy})`;
  const fail = (message: string) => new ConfigError([{ file, message: message + by }]);
  const facts = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code === "ENOENT" ? "there is no such file" : `can't be read: ${error.code}`);
  });
  if (facts.isDirectory()) throw fail("this is a folder; name the file in it");
  if (isWaitedFor(facts) && !(namedBy !== undefined && GIVEN.test(file))) throw fail(NO_FILE);
  await assertReadable(file, fail);
  const found = await using((explorer) => explorer.load(file), file);
  if (found === undefined) throw fail(`there is no ${JSON.stringify(PACKAGE_KEY)} key in it`);
  return found;
}

/**
 * Looks for a config file in `cwd` and then in each folder above it, up to the one with a package.json. The nearest one counts.
 * Throws {@link ConfigError} if that one is empty, broken or unreadable.
 */
export async function findConfigFile(cwd: string): Promise<ConfigFile | undefined> {
  await refuseUnreadable(cwd, undefined, isWaitedFor);
  const found = await using((explorer) => explorer.search(cwd));
  await refuseUnreadable(cwd, found?.file);
  return found;
}

/** A pipe is waited for until somebody writes to it, and a device may never end. */
function isWaitedFor(facts: Stats): boolean {
  return !facts.isFile() && !facts.isDirectory();
}

const NO_FILE = "this is no regular file, and is not read";

/** What a shell gives as a file that is none: `--config <(…)`. It can be read once. */
const GIVEN = /^\/(?:dev|proc\/self)\/(?:fd\/|stdin$)/;

type Result = { filepath: string; config: unknown; isEmpty?: boolean } | null;
type Explorer = { load(file: string): Promise<Result>; search(from: string): Promise<Result> };

/** A fresh explorer each time: cosmiconfig caches, and a file that changed must be read again. */
async function using(read: (explorer: Explorer) => Promise<Result>, named?: string): Promise<ConfigFile | undefined> {
  const { cosmiconfig, defaultLoaders, getDefaultSearchPlaces } = await import("cosmiconfig");
  const texts = new Map<string, LocatedJson>();
  const json = (file: string, content: string) => {
    const isPackage = file.endsWith("package.json");
    const text = readFlawedJson(file, content, isPackage ? PACKAGE_KEY : undefined);
    texts.set(file, text);
    return isPackage ? { [PACKAGE_KEY]: text.value } : text.value;
  };
  const yaml = defaultLoaders[".yaml"];
  const evaluated = new Map<string, Evaluated>();
  const code = async (file: string) => {
    const result = await (await import("./code-file.ts")).evaluateCode(file);
    evaluated.set(file, result);
    return result.value;
  };
  const loaders = {
    ...defaultLoaders,
    ".json": json,
    ".jsonc": json,
    ".ts": code,
    ".mts": code,
    ".cts": code,
    ".js": code,
    ".mjs": code,
    ".cjs": code,
    // A file without an extension is JSON if it looks like it, as YAML has other comments.
    noExt: (file: string, content: string) => (/^\uFEFF?\s*(\{|\/[/*])/.test(content) ? json : yaml)(file, content),
  };
  const explorer = cosmiconfig(PACKAGE_KEY, {
    searchPlaces: [...FIRST_PLACES, ...getDefaultSearchPlaces(PACKAGE_KEY)],
    searchStrategy: "project",
    ignoreEmptySearchPlaces: false,
    cache: false,
    loaders: Object.fromEntries(
      Object.entries(loaders).map(([extension, loader]) => [
        extension,
        async (file: string, content: string) => {
          try {
            await expectUtf8(file, content);
            const loaded: unknown = await loader(file, content);
            expectObject(file, loaded, texts.get(file));
            return loaded;
          } catch (error) {
            throw loadError(file, error);
          }
        },
      ]),
    ),
  });
  const result = await read(explorer).catch((error: unknown) => {
    throw error instanceof ConfigError ? error : readError(named, error);
  });
  if (result === null) return undefined;
  const file = result.filepath;
  if (result.isEmpty === true || result.config === undefined) {
    throw new ConfigError([{ file, message: CODE_FILE.test(file) ? noDefaultMessage : emptyMessage }]);
  }
  const { position, flaws = [] } = texts.get(file) ?? {};
  const { inputs = [file], hash } = evaluated.get(file) ?? {};
  return {
    file,
    value: result.config,
    ...(position && { position }),
    flaws,
    inputs,
    ...(hash !== undefined && { hash }),
  };
}

/** Of a file that has to be run to know what it says. */
export const CODE_FILE = /\.[cm]?[jt]s$/;
const noDefaultMessage = "there is no default export; write export default { … }, with the configuration in it";

/** Said here, and not by the schema: cosmiconfig takes a null for "not here", and a merge takes a list for nothing. */
function expectObject(file: string, loaded: unknown, text: LocatedJson | undefined): void {
  // Of a package.json only our key.
  const value = text === undefined ? loaded : text.value;
  if (value === undefined || isPlainObject(value)) return;
  throw new ConfigError([{ file, ...text?.position([]), message: `expected an object, got ${quoted(value)}` }]);
}

/** Bytes that are none have become U+FFFD, and a path or a name with that in it would be another one, in silence. */
async function expectUtf8(file: string, content: string): Promise<void> {
  // The rest of a package.json is nobody's business.
  if (!content.includes("\uFFFD") || file.endsWith("package.json")) return;
  const bytes = await readFile(file);
  if (isUtf8(bytes)) return;
  const lines = bytes.toString("latin1").split("\n");
  const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, "latin1"))) + 1;
  throw new ConfigError([{ file, line, column: 1, message: "this line is not UTF-8; save the file as that" }]);
}

/** What cosmiconfig itself has against a file. */
function readError(file: string | undefined, error: unknown): ConfigError {
  const text = firstLine(textOf(error));
  const message = text.startsWith("No loader")
    ? "no known kind of file; use .json, .jsonc, .yaml, .yml, .ts, .mts, .cts, .js, .mjs or .cjs"
    : text;
  return new ConfigError([{ ...(file !== undefined && { file }), message }]);
}

/** A loader's own error with its place. Search takes an ENOENT for "not here", so it may not come through as it is. */
function loadError(file: string, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  // js-yaml's YAMLException.
  const { mark, reason } = error as { mark?: { line?: unknown; column?: unknown }; reason?: unknown };
  if (typeof mark?.line === "number" && typeof mark.column === "number" && typeof reason === "string") {
    return new ConfigError([{ file, line: mark.line + 1, column: mark.column + 1, message: printableLine(reason) }]);
  }
  return new ConfigError([{ file, message: printableLine(firstLine(textOf(error))) }]);
}

async function assertReadable(file: string, fail: (message: string) => Error): Promise<void> {
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw fail(`can't be read: ${error.code}`);
  });
}

/**
 * cosmiconfig passes over a file that it may not read, and so does one that leads nowhere; the host would then start as an echo
 * server, as if nobody had configured it. So a nearer file of ours that is there has to be readable.
 */
async function refuseUnreadable(
  cwd: string,
  found: string | undefined,
  concerns: (facts: Stats) => boolean = () => true,
): Promise<void> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    for (const place of FIRST_PLACES) {
      const file = join(folder, place);
      if (file === found) return;
      const facts = await stat(file).catch(() => lstat(file).catch(() => undefined));
      if (facts === undefined || !concerns(facts)) continue;
      const fail = (message: string) => new ConfigError([{ file, message: `is there, but ${message}` }]);
      if (facts.isDirectory()) throw fail("is a folder; Docker makes one where a file that it is to mount is missing");
      if (isWaitedFor(facts) && !facts.isSymbolicLink()) throw fail(NO_FILE);
      await assertReadable(file, fail);
    }
    if (found !== undefined && dirname(found) === folder) return;
    if (folder === dirname(folder) || (await stat(join(folder, "package.json")).catch(() => undefined))) return;
  }
}
