/** Finds, reads and links .proto files, and tells what is wrong with them by file and line. */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type { Field, Namespace, ReflectionObject, Root, Type } from "protobufjs";
import { ConfigError, type Problem, textOf } from "../../errors.ts";

type Protobuf = typeof import("protobufjs");
type Position = { readonly line: number; readonly column: number };

const require = createRequire(import.meta.url);

/** Google's files that protobufjs brings along; always there, imported or not. */
const BUNDLED = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"].map(
  (name) => `google/protobuf/${name}.proto`,
);

/** protobufjs, loaded when it is first needed. */
export function loadProtobufjs(): Protobuf {
  return require("protobufjs");
}

/** Texts of .proto files by their absolute paths. */
export type ProtoTexts = ReadonlyMap<string, string>;

export interface Schema {
  /** Every message type by its full name without a leading dot, Google's own ones among them. */
  readonly types: ReadonlyMap<string, Type>;
  /** The text of each file that was read, by its absolute path. */
  readonly texts: ProtoTexts;
}

/**
 * Reads .proto files and all they import. An import is looked for beside the importing file, then in the `include`
 * folders; google/protobuf/*.proto is always there.
 * Throws a {@link ConfigError} for a missing file, a syntax error, or a name that stands for nothing.
 * @param files Absolute paths.
 * @param include Absolute paths of folders.
 * @param given Texts to take instead of what is on disk.
 */
export function loadSchema(files: readonly string[], include: readonly string[], given?: ProtoTexts): Schema {
  const protobuf = loadProtobufjs();
  const root = new protobuf.Root();
  const read = given === undefined ? readText : (file: string) => given.get(file);
  const texts = new Map<string, string>();
  for (const bundled of BUNDLED) root.addJSON(protobuf.common.get(bundled)?.nested ?? {});
  const waiting: Import[] = files.map((name) => ({ name, from: undefined }));
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { name } = next;
    if (BUNDLED.some((bundled) => `/${name}`.endsWith(`/${bundled}`))) continue;
    const file = findImport(next, include, read);
    if (texts.has(file)) continue;
    const text = read(file);
    if (text === undefined) throw new ConfigError([{ file, message: "no such .proto file, or it can't be read" }]);
    texts.set(file, text);
    waiting.push(...parseFile(protobuf, root, file, text));
  }
  return { types: linkTypes(protobuf, root), texts };
}

interface Import {
  readonly name: string;
  /** The file with the import, or `undefined` for a file that the configuration names. */
  readonly from: string | undefined;
}

type Read = (file: string) => string | undefined;

function findImport({ name, from }: Import, include: readonly string[], read: Read): string {
  if (from === undefined) return name;
  const candidates = [dirname(from), ...include].map((folder) => resolve(folder, name));
  if (name.startsWith("google/protobuf/")) candidates.push(resolve(dirname(require.resolve("protobufjs")), name));
  const file = candidates.find((candidate) => read(candidate) !== undefined);
  if (file !== undefined) return file;
  const problem = { file: from, ...positionOf(from, new RegExp(`["']${literally(name)}["']`)) };
  throw new ConfigError([
    { ...problem, message: `the import "${name}" is neither beside this file nor in an include folder` },
  ]);
}

/** Adds a file's declarations to the root and returns what it imports. */
function parseFile(protobuf: Protobuf, root: Root, file: string, text: string): Import[] {
  try {
    // The parser stamps this name on all it makes, so that later problems can be located.
    Object.assign(protobuf.parse, { filename: file });
    const { imports = [], weakImports = [] } = protobuf.parse(text, root, { keepCase: true });
    return [...imports, ...weakImports].map((name) => ({ name, from: file }));
  } catch (error) {
    const [message, line] = withoutPosition(textOf(error));
    const position = line === undefined ? undefined : { line };
    throw new ConfigError([{ file, ...position, message }]);
  } finally {
    Object.assign(protobuf.parse, { filename: null });
  }
}

/** Resolves every reference by protobuf's scopes and returns the message types. */
function linkTypes(protobuf: Protobuf, root: Root): Map<string, Type> {
  const types = new Map<string, Type>();
  const names = new Set<string>();
  const fields: Field[] = [];
  const visit = (object: ReflectionObject): void => {
    if (object instanceof protobuf.Enum) names.add(object.fullName);
    if (object instanceof protobuf.Field && object.extend !== undefined) fields.push(object);
    if (object instanceof protobuf.Type) {
      names.add(object.fullName);
      types.set(object.fullName.slice(1), object);
      fields.push(...object.fieldsArray);
    }
    if (object instanceof protobuf.Namespace) for (const nested of object.nestedArray) visit(nested);
  };
  visit(root);

  const problems: Problem[] = [];
  for (const field of fields) {
    if (Object.hasOwn(protobuf.types.basic, field.type)) continue;
    // protobufjs alone would also look into the scopes below and take a type of the same name there.
    const scope = (field.declaringField ?? field).parent;
    const name = resolveName(names, scope, field.type);
    if (name === undefined) problems.push(unresolved(field));
    else field.type = name;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  try {
    root.resolveAll();
  } catch (error) {
    throw new ConfigError([{ message: textOf(error) }]);
  }
  return types;
}

/** The full name that a reference stands for: the innermost scope that has it wins. */
function resolveName(names: ReadonlySet<string>, scope: Namespace | null, name: string): string | undefined {
  if (name.startsWith(".")) return names.has(name) ? name : undefined;
  for (let around = scope; around !== null; around = around.parent) {
    const candidate = `${around.fullName === "." ? "" : around.fullName}.${name}`;
    if (names.has(candidate)) return candidate;
  }
  return undefined;
}

function unresolved({ type, name, filename, parent }: Field): Problem {
  const message = `there is no type "${type}", which the field "${name}" of ${parent?.fullName.slice(1)} has`;
  if (filename === null) return { message };
  return {
    file: filename,
    ...positionOf(filename, new RegExp(`${literally(type)}\\s*>?\\s+${literally(name)}\\b`)),
    message,
  };
}

/** Where a pattern first matches in a file; nothing if it does not, or if the file is gone. */
export function positionOf(file: string, pattern: RegExp): Position | undefined {
  const text = readText(file);
  const index = text?.search(pattern) ?? -1;
  if (text === undefined || index < 0) return undefined;
  const before = text.slice(0, index).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** A parser's message without the position that it ends in, and the line of it. */
function withoutPosition(message: string): [string, number | undefined] {
  const found = / \((?:[^()]*, )?line (\d+)\)$/.exec(message);
  const text = message.slice(0, found?.index).replace("illegal token 'null'", "the file ends too early");
  return [text, found === null ? undefined : Number(found[1])];
}

function readText(file: string): string | undefined {
  try {
    // A pipe would hold up all of the process until somebody writes to it.
    if (!statSync(file).isFile()) return undefined;
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch {
    return undefined;
  }
}

/** A text as a pattern that matches nothing else. */
function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
