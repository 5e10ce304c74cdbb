/** The folder that a host serves from: its configuration, its plugins and its schema, as they are at the start. */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { ISOLATIONS } from "../../src/handler.ts";
import {
  createEditions,
  createFloor,
  createPhases,
  type Editions,
  type Endpoint,
  type Floor,
  type Slot,
} from "./served.ts";

export const PLUGINS = ["mixed", "stray", "fresh"] as const;
export type PluginName = (typeof PLUGINS)[number];

/** What an endpoint serves: of plugin, isolation and codec, with so many calls at once. */
const PLAIN = {
  raw: ["mixed-inline", "raw", 4],
  json: ["mixed-process", "json", 4],
  cbor: ["mixed-inline", "cbor", 8],
  msgpack: ["mixed-thread", "msgpack", 1],
  protobuf: ["stray-inline", "protobuf", 1],
  order: ["mixed-inline", "order", 8],
  walled: ["mixed-thread", "order", 4],
  step: ["mixed-inline", "raw", 1],
} as const;

/** Reached by the path of a socket; the others by a port. */
const BY_PATH: readonly string[] = ["raw", "order", "step", "mover"];

/** How long a handler may take; behind a wall a worker may have to start first. */
const TIMEOUT_MS = { inline: 1000, thread: 3000, process: 4000 } as const;
const MAX_WORKERS: Readonly<Record<PluginName, number>> = { mixed: 2, stray: 1, fresh: 1 };

/** Workers that are idle go soon, so that it can be seen whether they do. */
const POOL = { idleMs: 700, memoryMb: 64 };

/** What the editor changes in the configuration. */
export interface Settings {
  /** `options.edition` by the handler's name. */
  readonly options: Record<string, number>;
  concurrency: number;
  queue: number;
  /** Undefined while there is no such endpoint. */
  mover: { handler: string; concurrency: number; ipcMode: string } | undefined;
}

export interface Site {
  readonly folder: string;
  readonly configFile: string;
  /** Those that come and go too. */
  readonly slots: Slot[];
  readonly endpoints: readonly Endpoint[];
  readonly settings: Settings;
  /** Of each plugin's own file. */
  readonly editions: Readonly<Record<PluginName, Editions>>;
  /** Of the file that `mixed` imports. */
  readonly data: Editions;
  /** Of each handler's options. */
  readonly options: Readonly<Record<string, Editions>>;
  /** Of the .proto file. */
  readonly schema: Floor;
  slot(name: string): Slot;
  endpoint(name: string): Endpoint;
  /** The configuration as the settings have it. */
  configText(): string;
}

export async function createSite(): Promise<Site> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "zmqecho-chaos-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(fileURLToPath(new URL("plugins", import.meta.url)), join(folder, "plugins"), { recursive: true });
  await mkdir(join(folder, "schemas"));
  await writeFile(join(folder, "schemas/order.proto"), schemaText(1));
  await writeFile(join(folder, "schemas/extra.proto"), extraText(1));

  const editions = { mixed: createEditions(), stray: createEditions(), fresh: createEditions() };
  const data = createEditions();
  const options: Record<string, Editions> = {};
  const slots = PLUGINS.flatMap((plugin) =>
    ISOLATIONS.map((isolation): Slot => {
      const name = `${plugin}-${isolation}`;
      const own = createEditions();
      options[name] = own;
      const floors = { v: createFloor(editions[plugin]), c: createFloor(own) };
      return {
        name,
        plugin,
        isolation,
        isStray: plugin === "stray",
        presence: createPhases("served"),
        floors: plugin === "mixed" ? { ...floors, d: createFloor(data) } : floors,
      };
    }),
  );
  const fixed = [...slots];
  const slot = (name: string) => named(fixed, name);
  const open = () => createPhases<"open" | "moving">("open");
  const endpoints: Endpoint[] = [
    { name: "probe", isLockStep: false, state: open() },
    { name: "all", isLockStep: false, state: open() },
    { name: "turns", isLockStep: true, state: open() },
    ...Object.entries(PLAIN).map(([name, [handler, codec, concurrency]]) => ({
      name,
      isLockStep: concurrency === 1,
      plain: { slot: slot(handler), codec },
      state: open(),
    })),
    // Of handlers that are made from the same plugin, now one and now another.
    { name: "mover", isLockStep: false, plain: { slot: slot("mixed-inline"), codec: "json" }, state: open() },
  ];
  const settings: Settings = {
    options: Object.fromEntries(slots.map(({ name }) => [name, 1])),
    concurrency: 16,
    queue: 64,
    mover: { handler: "mixed-inline", concurrency: 4, ipcMode: "0700" },
  };
  const site: Site = {
    folder,
    configFile: join(folder, "zmqecho.config.json"),
    slots,
    endpoints,
    settings,
    editions,
    data,
    options,
    schema: createFloor(createEditions()),
    slot,
    endpoint: (name) => named(endpoints, name),
    configText: () => JSON.stringify(configFrom(fixed, settings), undefined, 2),
  };
  await writeFile(site.configFile, site.configText());
  return site;
}

function named<Item extends { readonly name: string }>(items: readonly Item[], name: string): Item {
  const found = items.find((item) => item.name === name);
  if (found === undefined) throw new Error(`there is no ${name} in this site`);
  return found;
}

function configFrom(slots: readonly Slot[], { options, concurrency, queue, mover }: Settings): ConfigInput {
  const handlers = slots.map(({ name, plugin, isolation }) => {
    const maxWorkers = MAX_WORKERS[plugin as PluginName];
    const edition = options[name];
    return [
      name,
      { plugin, isolation, timeoutMs: timeoutOf(isolation), pool: { ...POOL, maxWorkers }, options: { edition } },
    ];
  });
  const plain = Object.entries(PLAIN).map(([name, [handler, codec, places]]) => [
    name,
    { bind: bindOf(name), handler, codec, concurrency: places, queue: 32 },
  ]);
  return {
    codecs: {
      order: { type: "protobuf", proto: "schemas/order.proto", request: "shop.Order", response: "shop.Receipt" },
    },
    handlers: Object.fromEntries(handlers),
    endpoints: {
      probe: { bind: bindOf("probe"), handlers: ["*"], concurrency: 8 },
      all: { bind: [bindOf("all"), "ipc://./all.sock"], handlers: ["*"], concurrency, queue },
      turns: { bind: bindOf("turns"), handlers: ["*"] },
      ...Object.fromEntries(plain),
      ...(mover !== undefined && { mover: { bind: bindOf("mover"), codec: "json", queue: 32, ...mover } }),
    },
    limits: { lingerMs: 1000 },
    shutdown: { graceMs: 8000 },
  };
}

function bindOf(endpoint: string): string {
  return BY_PATH.includes(endpoint) ? `ipc://./${endpoint}.sock` : "tcp://127.0.0.1:*";
}

export function timeoutOf(isolation: Slot["isolation"]): number {
  return TIMEOUT_MS[isolation];
}

/** The codecs that a caller by name may choose from. */
export const CODECS = [...BUILT_IN_CODECS, "order"] as const;

/** The clients' side of each. Their schema stays as it is, and fits all that the host may have. */
export async function createClientCodecs({ folder }: Site) {
  const proto = join(folder, "schemas/extra.proto");
  const texts = new Map([
    [join(folder, "clients.proto"), schemaText(1).replace("extra.proto", "schemas/extra.proto")],
    [proto, await readFile(proto, "utf8")],
  ]);
  const spec = { type: "protobuf", proto: "clients.proto", request: "shop.Order", response: "shop.Receipt" } as const;
  const order = createCodec(spec, { folder, texts, name: "order" });
  return new Map(CODECS.map((name) => [name as string, name === "order" ? order : createCodec(name)]));
}

/** Each edition has a field of another name, and some fields more. */
export function schemaText(edition: number): string {
  return `syntax = "proto3";
package shop;
import "extra.proto";

// Edition ${edition}.
message Order {
  uint32 n = 1;
  string act = 2;
  uint32 ms = 3;
  uint32 size = 4;
  string code = 5;
  Extra extra = 6;
  string pad = 7;
  string k${edition} = 60;
}

message Receipt {
  uint32 n = 1;
  string h = 2;
  string r = 3;
  uint32 v = 4;
  uint32 d = 5;
  uint32 c = 6;
  uint32 k = 7;
  string pad = 8;
  Extra extra = 9;
${Array.from({ length: edition % 5 }, (_, index) => `  string more${edition}_${index} = ${100 + index};`).join("\n")}
}
`;
}

/** What the schema imports. */
export function extraText(edition: number): string {
  return `syntax = "proto3";\npackage shop;\n\nmessage Extra {\n  string note${edition} = 1;\n}\n`;
}
