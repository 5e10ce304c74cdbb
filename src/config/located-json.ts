/** JSON as people write it: comments, trailing commas and a byte order mark are fine; each value knows its line and column. */
import jsonc, { type Node, type ParseErrorCode } from "jsonc-parser";
import { ConfigError, type Problem } from "../errors.ts";
import { listed } from "../wording.ts";
import type { Path } from "./path.ts";

/** 1-based. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** What should not be in a file, and is not in its value: a key twice in one object (the first one counts), a key named `__proto__`. */
export interface Flaw {
  readonly path: Path;
  readonly problem: Problem;
}

export interface LocatedJson {
  readonly value: unknown;
  readonly flaws: readonly Flaw[];
  /** Where the value stands, or with `key` where its key does; undefined if there is nothing at that path. */
  position(path: Path, part?: "key"): Position | undefined;
}

/** As {@link readFlawedJson}, and throws {@link ConfigError} for flaws too. */
export function readJson(file: string, content: string, property?: string): LocatedJson {
  const json = readFlawedJson(file, content, property);
  if (json.flaws.length > 0) throw new ConfigError(json.flaws.map(({ problem }) => problem));
  return json;
}

/**
 * Reads a JSON text, or what stands under `property` of it (`undefined` if there is nothing).
 * Throws {@link ConfigError}: broken syntax, no content.
 */
export function readFlawedJson(file: string, content: string, property?: string): LocatedJson {
  const text = content.replace(/^\uFEFF/, "");
  const locate = locator(text);
  const syntax: { error: ParseErrorCode; offset: number; length: number }[] = [];
  const tree = jsonc.parseTree(text, syntax, { allowTrailingComma: true, disallowComments: false });
  const [first] = syntax;
  // The first mistake only: what follows it is mostly its echo.
  if (first !== undefined && (tree !== undefined || first.offset < text.trimEnd().length)) {
    throw new ConfigError([{ file, ...locate(first.offset), message: syntaxMessage(first.error) }]);
  }
  const root = tree === undefined || property === undefined ? tree : jsonc.findNodeAtLocation(tree, [property]);
  if (root === undefined) {
    if (property !== undefined) return { value: undefined, flaws: [], position: () => undefined };
    throw new ConfigError([{ file, message: emptyMessage }]);
  }
  const flaws: Flaw[] = [];
  const report = (path: Path, message: string, offset: number) =>
    flaws.push({ path, problem: { file, ...locate(offset), message } });
  const value = valueOfNode(root, [], report, locate);
  return {
    value,
    flaws,
    position(path, part) {
      const node = jsonc.findNodeAtLocation(root, [...path]);
      const shown = part === "key" && node?.parent?.type === "property" ? node.parent : node;
      return shown === undefined ? undefined : locate(shown.offset);
    },
  };
}

export const emptyMessage = "the file is empty; a configuration that changes nothing is {}";

function valueOfNode(
  node: Node,
  path: Path,
  report: (path: Path, message: string, offset: number) => void,
  locate: (offset: number) => Position,
): unknown {
  if (node.type === "array") {
    return (node.children ?? []).map((child, index) => valueOfNode(child, [...path, index], report, locate));
  }
  if (node.type !== "object") return node.value;
  const object: Record<string, unknown> = {};
  const seen = new Map<string, number>();
  for (const { offset, children } of node.children ?? []) {
    const [key, child] = children ?? [];
    if (key === undefined || child === undefined) continue;
    const name = String(key.value);
    const own = [...path, name];
    const earlier = seen.get(name);
    seen.set(name, offset);
    if (name === "__proto__") {
      report(own, "a key may not be named __proto__", offset);
    } else if (earlier !== undefined) {
      const { line, column } = locate(earlier);
      report(own, `the key ${JSON.stringify(name)} is here twice, first at ${line}:${column}; keep one`, offset);
    } else {
      object[name] = valueOfNode(child, own, report, locate);
    }
  }
  return object;
}

function locator(text: string): (offset: number) => Position {
  return (offset) => {
    const before = text.slice(0, offset).split(/\r\n|\r|\n/);
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is no JSON value; text goes in double quotes",
  InvalidNumberFormat: "this is no JSON number",
  PropertyNameExpected: "a key in double quotes is expected here",
  ValueExpected: "a value is expected here",
  ColonExpected: 'a ":" is expected here',
  CommaExpected: 'a "," is expected before this',
  CloseBraceExpected: 'a "}" is missing',
  CloseBracketExpected: 'a "]" is missing',
  EndOfFileExpected: "the file should end before this",
  UnexpectedEndOfComment: 'the comment does not end; "*/" is missing',
  UnexpectedEndOfString: "the text does not end; a double quote is missing",
  UnexpectedEndOfNumber: "the number does not end",
  InvalidUnicode: "this is no \\uXXXX escape",
  InvalidEscapeCharacter: `after "\\" only ${listed(['"', "\\", "/", "b", "f", "n", "r", "t", "u"], "or")} may stand`,
  InvalidCharacter: "this character may not stand in JSON",
};

function syntaxMessage(code: ParseErrorCode): string {
  return SYNTAX[jsonc.printParseErrorCode(code)] ?? "this is no JSON";
}
