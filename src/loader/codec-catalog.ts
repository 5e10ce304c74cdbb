/**
 * The codecs there are, kept while a host runs: the configuration's, those of plugins and of the embedding code, and the
 * built-in ones. A codec whose files break goes on as it was.
 */
import { isDeepStrictEqual } from "node:util";
import type { CodecLimits } from "../codecs/codec.ts";
import { createCodec } from "../codecs/registry.ts";
import { BUILT_IN_CODECS, limitsWith } from "../config/defaults.ts";
import type { CodecConfig } from "../config/effective.ts";
import { ConfigError, type Problem } from "../errors.ts";
import type { CodecDefinition, Isolation } from "../handler.ts";
import type { ServedCodec } from "../runtime/recipe.ts";
import { fileOf, type Plugin } from "./load.ts";
import { areUnchanged, type Stamps, stampFiles } from "./stamp.ts";

export interface CodecRequest {
  /** `codecs` of the config. */
  readonly named: Readonly<Record<string, CodecConfig>>;
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly inCode: ReadonlyMap<string, CodecDefinition>;
  /** What relative `.proto` paths are relative to. */
  readonly folder: string;
}

/** A codec of the configuration that can't be made. */
export interface CodecProblem {
  readonly codec: string;
  /** Whether an earlier version of it goes on. */
  readonly goesOn: boolean;
  readonly problem: Problem;
}

export type FindCodec = (name: string) => ServedCodec | undefined;

export interface CodecContents {
  /** Of the configuration and of plugins, those that are others than at the look before. */
  readonly changed: readonly string[];
  readonly problems: readonly CodecProblem[];
  /** The files that codecs are made from. Absolute. */
  readonly files: ReadonlySet<string>;
  /** As in catalog.ts. */
  commit(): void;
  /** The names there are, sorted; with an isolation those that a handler there can be called in. */
  names(isolation?: Isolation): string[];
  /** The codecs under an endpoint's limits. What it returns is safe with a name from the wire. */
  under(limits: CodecLimits): FindCodec;
}

export interface CodecCatalog {
  look(request: CodecRequest): Promise<CodecContents>;
}

/** One codec under each of the limits that it is asked for; the same ones as long as it does not change. */
type Maker = (limits: CodecLimits) => ServedCodec;

interface Named {
  readonly spec: CodecConfig;
  readonly folder: string;
  readonly stamps: Stamps;
  readonly problems: readonly Problem[];
  /** Absent if it has never worked as it is specified. */
  readonly make?: Maker;
}

interface OfPlugin {
  readonly plugin: Plugin;
  readonly make: Maker;
}

export function createCodecCatalog(): CodecCatalog {
  let named = new Map<string, Named>();
  let ofPlugins = new Map<string, OfPlugin>();
  const builtIns = new Map<string, Maker>(
    BUILT_IN_CODECS.map((name) => [
      name,
      once((limits) => ({
        codec: createCodec(name, { role: "server", limits }),
        recipe: { name, spec: name, folder: "/", limits },
      })),
    ]),
  );

  async function look({ named: specs, plugins, inCode, folder }: CodecRequest): Promise<CodecContents> {
    const now = new Map<string, Named>();
    for (const [name, spec] of Object.entries(specs)) now.set(name, await lookAt(name, spec, folder, named.get(name)));

    const nowOfPlugins = new Map<string, OfPlugin>();
    for (const [name, plugin] of plugins) {
      if (!plugin.outline.codec) continue;
      const before = ofPlugins.get(name);
      const isSame = before?.plugin.bundle.hash === plugin.bundle.hash && before.plugin.codec === plugin.codec;
      nowOfPlugins.set(name, isSame ? before : { plugin, make: makerOf(name, plugin) });
    }
    const given = [...inCode].map(([name, definition]): [string, Maker] => [
      name,
      once((limits) => ({ codec: createCodec(definition, { role: "server", limits, name }) })),
    ]);
    // The later ones win.
    const makers = new Map([
      ...builtIns,
      ...[...nowOfPlugins].map(([name, { make }]): [string, Maker] => [name, make]),
      ...given,
      ...[...now].flatMap(([name, { make }]): [string, Maker][] => (make === undefined ? [] : [[name, make]])),
    ]);
    return {
      changed: [...changedSince(named, now), ...changedSince(ofPlugins, nowOfPlugins)],
      problems: [...now].flatMap(([codec, { problems, make }]) =>
        problems.map((problem) => ({ codec, goesOn: make !== undefined, problem })),
      ),
      files: new Set([...now.values()].flatMap(({ stamps }) => [...stamps.keys()])),
      commit() {
        named = now;
        ofPlugins = nowOfPlugins;
      },
      names(isolation) {
        // A plugin's codec whose code may run in workers only is none for the host, and one in code is none for workers.
        const elsewhere = (name: string) =>
          isolation === "inline"
            ? nowOfPlugins.has(name) && plugins.get(name)?.codec === undefined
            : isolation !== undefined && inCode.has(name);
        return [...makers.keys()].filter((name) => now.get(name)?.make !== undefined || !elsewhere(name)).sort();
      },
      under(limits) {
        const made = new Map<string, ServedCodec>();
        return (name) => {
          const ready = made.get(name) ?? makers.get(name)?.(limits);
          if (ready !== undefined) made.set(name, ready);
          return ready;
        };
      },
    };
  }

  return { look };
}

type Makers = ReadonlyMap<string, { readonly make?: Maker }>;

function changedSince(before: Makers, now: Makers): string[] {
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names].filter((name) => before.get(name)?.make !== now.get(name)?.make);
}

async function lookAt(name: string, spec: CodecConfig, folder: string, before: Named | undefined): Promise<Named> {
  const isSame = before !== undefined && before.folder === folder && isDeepStrictEqual(before.spec, spec);
  if (isSame && before.problems.length === 0 && (await areUnchanged(before.stamps))) return before;
  const readFrom = Date.now();
  const files = [...(isSame ? before.stamps.keys() : []), ...("proto" in spec ? (spec.proto ?? []) : [])];
  try {
    const { texts } = createCodec(spec, { role: "server", limits: limitsWith(), folder, name });
    const stamps = await stampFiles(texts?.keys() ?? [], readFrom);
    const make = once((limits) => {
      const options = { limits, folder, name, ...(texts !== undefined && { texts }) };
      return { codec: createCodec(spec, { ...options, role: "server" }), recipe: { ...options, spec } };
    });
    return { spec, folder, stamps, problems: [], make };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const named = error.problems.flatMap(({ file }) => file ?? []);
    const stamps = await stampFiles([...files, ...named], readFrom);
    return { spec, folder, stamps, problems: error.problems, ...(isSame && before.make && { make: before.make }) };
  }
}

function makerOf(name: string, plugin: Plugin): Maker {
  const { codec: definition, bundle } = plugin;
  return once((limits) => ({
    ...(definition !== undefined && { codec: createCodec(definition, { role: "server", limits, name }) }),
    recipe: { name, plugin: fileOf(plugin), bundle, limits },
  }));
}

function once(make: Maker): Maker {
  const made = new Map<string, ServedCodec>();
  return (limits) => {
    const key = `${limits.maxDepth} ${limits.maxMessageBytes} ${limits.maxFrames}`;
    const ready = made.get(key) ?? make(limits);
    made.set(key, ready);
    return ready;
  };
}
