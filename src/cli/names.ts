/** The names that the nearest configuration has, for a shell to complete. It is not checked, and no code of it or of a plugin is run. */
import { BUILT_IN_CODECS, DEFAULTS, NAME_PATTERN } from "../config/defaults.ts";
import type { Peeked } from "../config/peek.ts";

type Names = (config: Peeked) => readonly string[] | Promise<readonly string[]>;

/** By the flags and arguments that take them. */
const NAMES: ReadonlyMap<string, Names> = new Map<string, Names>([
  ["--codec", ({ value }) => [...BUILT_IN_CODECS, ...keysOf(value.codecs)]],
  ["--endpoint", ({ value }) => [...keysOf(value.endpoints ?? { [DEFAULTS.endpoint]: {} }), ...keysOf(value.targets)]],
  ["--handler", handlers],
  ["handler", handlers],
]);

/** In place of one that can't be read: what needs none is there all the same, and no default stands for what it may say. */
const UNKNOWN: Peeked = { value: { endpoints: {}, plugins: [] }, folder: process.cwd() };

/** @internal For a test that each of them is still there. */
export const NAMED: readonly string[] = [...NAMES.keys()];

/**
 * Without double ones; none for flags and arguments that take no names.
 * @param file of the configuration; default: the nearest
 */
export async function namesOf(flag: string, file: string | undefined): Promise<readonly string[]> {
  const names = NAMES.get(flag);
  if (names === undefined) return [];
  const { peekAtConfig } = await import("../config/peek.ts");
  const config = await peekAtConfig(file).catch(() => UNKNOWN);
  // Nobody has checked them, and they go to a terminal.
  return [...new Set(await names(config))].filter((name) => NAME_PATTERN.test(name));
}

async function handlers({ value, folder }: Peeked): Promise<readonly string[]> {
  const { findPlugins } = await import("../loader/find.ts");
  const entries = Array.isArray(value.plugins) ? value.plugins.map(String) : DEFAULTS.plugins;
  const { plugins } = await findPlugins(entries, { folder });
  return [...plugins.keys(), ...keysOf(value.handlers)];
}

function keysOf(value: unknown): string[] {
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}
