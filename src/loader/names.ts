/** The names of plugins, for who must not load any: what each of them offers is not known then. */
import { NAME_PATTERN } from "../config/defaults.ts";
import type { FindNames } from "../config/references.ts";
import { findPlugins } from "./find.ts";

/**
 * Finds the names that handlers and codecs may have, those of broken plugins too; undefined if an entry of `plugins` can't be read.
 * @param inCode handlers that do not come from the entries
 */
export function namesBeside(inCode: readonly string[] = []): FindNames {
  return async (entries, folder) => {
    const { plugins, problems } = await findPlugins(entries, { folder });
    if (problems.some(({ entry }) => entry !== undefined)) return undefined;
    const broken = problems.map(({ name }) => name).filter((name) => NAME_PATTERN.test(name));
    const codecs = [...plugins.keys(), ...broken];
    return { handlers: [...codecs, ...inCode], codecs };
  };
}
