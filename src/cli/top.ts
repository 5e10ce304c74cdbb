/** `zmqecho top`: what a live host does, look after look. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClientWith } from "../client/client.ts";
import { createLightCodec } from "../codecs/light.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { exitCodeOf, ZmqEchoError } from "../errors.ts";
import { printableLine } from "../printable.ts";
import { CommandFailure, usageError } from "./failure.ts";
import { findServer, type Server, type ServerFlags } from "./server.ts";
import { type Found, type Interval, intervalOf, type Look } from "./top-interval.ts";
import { intervalJson } from "./top-json.ts";
import { canDraw, openScreen } from "./top-screen.ts";
import type { Sort } from "./top-sort.ts";
import { intervalLines, type Line, NO_WINDOW } from "./top-text.ts";

export interface TopFlags extends ServerFlags {
  /** Milliseconds from look to look. */
  readonly interval?: number;
  readonly count?: number;
  readonly sort: Sort;
  readonly wait?: boolean;
  readonly output: "pretty" | "json";
  readonly timeout?: number;
}

/** Shows what was found, in its form; resolves when there is room for more. */
type Show = (found: Found) => void | Promise<void>;

const USUAL_INTERVAL_MS = 2000;
const USUAL_TIMEOUT_MS = 2000;

/**
 * Ends at `q`, a signal, or after `--count`. Throws a usage error (2) for a server that can't be asked, or with 64 + its number what
 * the first look failed of; with `--wait` a host that is not there is waited for. With `--count` the last look decides.
 */
export async function top(address: string | undefined, flags: TopFlags): Promise<void> {
  const server = await findTold(address, flags);
  const ending = new AbortController();
  const { signal } = ending;
  const end = () => ending.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, end);
  const client = clientOf(server, flags);
  const last = await watch(client, server, flags, end, signal).finally(() => {
    for (const name of signals) process.off(name, end);
    return client.close();
  });
  if (last?.error !== undefined && !signal.aborted) throw new CommandFailure(exitCodeOf(last.error.code));
}

async function watch(
  client: Client,
  server: Server,
  flags: TopFlags,
  end: () => void,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const intervalMs = flags.interval ?? USUAL_INTERVAL_MS;
  const { look, found: first } = await firstLook(client, flags, intervalMs, signal);
  if (first === undefined) return undefined;
  const shown = openDisplay(server, flags, end, signal);
  try {
    let before = look;
    let found: Found = first;
    let due = performance.now();
    for (let left = flags.count ?? Number.POSITIVE_INFINITY; ; left--) {
      await shown.show(found);
      if (left <= 1) return found;
      // A look that took long does not make the next ones come at once.
      due = Math.max(due + intervalMs, performance.now());
      await sleep(due - performance.now(), signal);
      if (signal.aborted) return found;
      const next = await lookAt(client, before, signal);
      if (signal.aborted) return found;
      before = next.look ?? before;
      found = next.found;
    }
  } finally {
    shown.close();
  }
}

interface Looked {
  /** The counts, if there were any. */
  readonly look?: Look;
  readonly found: Found;
}

async function lookAt(client: Client, before: Look | undefined, signal: AbortSignal): Promise<Looked> {
  try {
    const askedAt = performance.now();
    const look = { stats: await client.stats({ signal }), askedAt, answeredAt: performance.now() };
    return { look, found: { at: new Date(), interval: intervalOf(before, look) } };
  } catch (thrown) {
    return { found: { at: new Date(), interval: undefined, error: hinted(ZmqEchoError.from(thrown)) } };
  }
}

/** Throws what it failed of, unless it is worth waiting. Finds nothing if it is to end before. */
async function firstLook(
  client: Client,
  { wait }: TopFlags,
  intervalMs: number,
  signal: AbortSignal,
): Promise<Partial<Looked>> {
  let told = false;
  while (!signal.aborted) {
    const looked = await lookAt(client, undefined, signal);
    const { error } = looked.found;
    if (error === undefined) return looked;
    if (signal.aborted) break;
    if (!wait || (error.code !== "unavailable" && error.code !== "deadline_exceeded")) throw error;
    if (!told) process.stderr.write(`zmqecho: waiting: ${printableLine(error.message)}\n`);
    told = true;
    await sleep(intervalMs, signal);
  }
  return {};
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

/** An endpoint that keeps to itself does not say what would make it talk. */
function hinted(error: ZmqEchoError): ZmqEchoError {
  if (error.code !== "unimplemented" || !error.message.includes("tells nothing of itself")) return error;
  const what = `${error.message}; ask another one, with "handlers": ["*"], or set "introspection": true there`;
  return new ZmqEchoError(error.code, what);
}

function openDisplay(
  server: Server,
  flags: TopFlags,
  end: () => void,
  signal: AbortSignal,
): { show: Show; close(): void } {
  const print = async (text: string): Promise<void> => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain", { signal }).catch(() => undefined);
  };
  if (flags.output === "json") return { show: (found) => print(`${intervalJson(found)}\n`), close() {} };
  const title = server.addresses.map(printableLine).join(", ");
  if (canDraw()) return openLive(title, flags.sort, end);
  return {
    show(found) {
      const head = `${found.at.toISOString()} ${title}`;
      if (found.error !== undefined) return print(`${head}: no answer: ${errorText(found.error)}\n\n`);
      const lines = intervalLines(found.interval, flags.sort, NO_WINDOW);
      return print(`${[head, ...lines.map(({ text }) => text.trimEnd())].join("\n")}\n\n`);
    },
    close() {},
  };
}

const SORT_OF_KEY: Readonly<Record<string, Sort>> = {
  n: "name",
  r: "requests",
  e: "errors",
  l: "latency",
  f: "in-flight",
};

/** On a terminal: the last counts that there were stay, under the reason why there are no newer ones. */
function openLive(title: string, first: Sort, end: () => void): { show: Show; close(): void } {
  let sort = first;
  let last: Found | undefined;
  let interval: Interval | undefined;
  const screen = openScreen({
    onKey(key) {
      sort = SORT_OF_KEY[key] ?? sort;
      draw();
    },
    onQuit: end,
    onResize: draw,
  });

  function draw(): void {
    if (last === undefined) return;
    const { columns, rows } = screen.window();
    const time = last.at.toTimeString().slice(0, 8);
    const head: Line[] = [{ text: `zmqecho top  ${title}  ${time}  by ${sort}` }];
    if (last.error !== undefined) head.push({ text: `no answer: ${errorText(last.error)}`, look: "alarm" });
    const foot: Line = { text: "q quit  sort by: r requests  e errors  l latency  f in flight  n name" };
    const room = { columns, rows: Math.max(0, rows - head.length - 2) };
    const body = interval === undefined ? [] : intervalLines(interval, sort, room);
    const lines = [...head, ...body, { text: "" }, foot].slice(0, rows);
    screen.draw(lines.map(({ text, ...look }) => ({ text: text.slice(0, columns), ...look })));
  }

  return {
    show(found) {
      last = found;
      interval = found.interval ?? interval;
      draw();
    },
    close: screen.close,
  };
}

function errorText({ code, message }: ZmqEchoError): string {
  return printableLine(`${code}: ${message}`);
}

function clientOf({ addresses, curve, timeoutMs }: Server, flags: TopFlags): Client {
  const raw = createLightCodec("raw", "raw", DEFAULTS.limits);
  if (raw === undefined) throw new Error("raw is a light codec");
  return createClientWith(raw, {
    connect: addresses,
    curve,
    timeoutMs: flags.timeout ?? timeoutMs ?? USUAL_TIMEOUT_MS,
  });
}

/** Where nothing is asked for, the first endpoint of the configuration that tells of itself. */
async function findTold(address: string | undefined, flags: TopFlags): Promise<Server> {
  const { connect = [], endpoint, config: file } = flags;
  if (address !== undefined || connect.length > 0 || endpoint !== undefined) {
    const server = await findServer(address, flags);
    if (server.speaksZep !== false) return server;
    throw usageError(`endpoint ${endpoint} is plain: it serves one handler and tells nothing of itself; ${ADD_ONE}`);
  }
  const { loadConfig } = await import("../config/load.ts");
  const { endpoints } = (await loadConfig(file === undefined ? {} : { file })).config;
  const found = Object.entries(endpoints).find(([, { handlers, introspection }]) => handlers && introspection);
  if (found === undefined) throw usageError(`no endpoint of the configuration tells of itself; ${ADD_ONE}`);
  const server = await findServer(undefined, { ...flags, endpoint: found[0] });
  process.stderr.write(`zmqecho: to endpoint ${found[0]}, ${server.addresses.join(", ")}\n`);
  return server;
}

const ADD_ONE = 'give the host one that does, such as "stats": { "bind": "tcp://127.0.0.1:25939", "handlers": ["*"] }';
