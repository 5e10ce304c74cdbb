/**
 * Names in the configuration that only the plugins can make good. Works on unvalidated data too, so that all problems show
 * at once.
 */
import { suggestion } from "../wording.ts";
import { BUILT_IN_CODECS } from "./defaults.ts";
import type { Explained } from "./explain.ts";
import type { PathProblem } from "./interpolate.ts";
import { isPlainObject, type Path } from "./path.ts";

/** What the plugins offer, by name; those that are there but broken count too. */
export interface PluginNames {
  readonly handlers: Iterable<string>;
  readonly codecs: Iterable<string>;
}

/**
 * What plugins may offer, as far as it is known before any is loaded; undefined if it is not.
 * @param entries `plugins` of the configuration, as they are written
 * @param folder what those are relative to, absolute
 */
export type FindNames = (entries: readonly string[], folder: string) => Promise<PluginNames | undefined>;

/** Each name of a plugin, a handler or a codec in the configuration that nothing stands behind. */
export function checkReferences(input: unknown, plugins: PluginNames): PathProblem[] {
  const pluginNames = new Set(plugins.handlers);
  const handlers = new Set([...pluginNames, ...Object.keys(sectionOf(input, "handlers"))]);
  const codecs = new Set([...BUILT_IN_CODECS, ...Object.keys(sectionOf(input, "codecs")), ...plugins.codecs]);
  const problems: PathProblem[] = [];
  const expect = (kind: string, name: unknown, known: ReadonlySet<string>, path: Path) => {
    if (typeof name !== "string" || known.has(name)) return;
    problems.push({ path, message: `there is no ${kind} ${JSON.stringify(name)}${suggestion(name, known)}` });
  };

  for (const [name, handler] of entriesOf(input, "handlers")) {
    const path = ["handlers", name];
    const { plugin } = handler;
    expect("plugin", plugin ?? name, pluginNames, plugin === undefined ? path : [...path, "plugin"]);
  }
  for (const [name, endpoint] of entriesOf(input, "endpoints")) {
    const path = ["endpoints", name];
    expect("handler", endpoint.handler, handlers, [...path, "handler"]);
    expect("codec", endpoint.codec, codecs, [...path, "codec"]);
    const patterns: unknown[] = Array.isArray(endpoint.handlers) ? endpoint.handlers : [];
    for (const [index, pattern] of patterns.entries()) {
      if (!String(pattern).endsWith("*")) expect("handler", pattern, handlers, [...path, "handlers", index]);
    }
  }
  for (const [name, { codec }] of entriesOf(input, "targets"))
    expect("codec", codec, codecs, ["targets", name, "codec"]);
  return problems;
}

/** Whether it is known which names there are: a section that is misspelt, misshapen or there twice may hold some of them. */
export function areNamesKnown(problems: readonly Pick<Explained, "path" | "part">[]): boolean {
  return problems.every(({ path: [section, ...inner], part }) => {
    if (section === "plugins") return false;
    return inner.length > 0 || (part !== "key" && section !== "handlers" && section !== "codecs");
  });
}

function sectionOf(input: unknown, key: string): Record<string, unknown> {
  const section = isPlainObject(input) ? input[key] : undefined;
  return isPlainObject(section) ? section : {};
}

function entriesOf(input: unknown, key: string): [string, Record<string, unknown>][] {
  return Object.entries(sectionOf(input, key)).filter((entry): entry is [string, Record<string, unknown>] =>
    isPlainObject(entry[1]),
  );
}
