/** The host's log, read line by line: what may be in it, and what nobody expects there. */
import { appendFileSync } from "node:fs";

export interface LogReader {
  read(line: string): void;
  /** The last lines, for whoever looks for a cause. */
  last(lines: number): string;
  /** Resolves when so many messages have begun with that text. */
  count(text: string, times: number): Promise<void>;
  /** The newest addresses of an endpoint, by its name. */
  addressesOf(endpoint: string): readonly string[];
  /** How many lines there were of each kind. */
  readonly kinds: ReadonlyMap<string, number>;
}

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly endpoint?: string;
  /** Null if that was thrown. */
  readonly err?: { readonly message?: string; readonly stack?: string } | null;
}

const NAME = "[\\w-]+";

/** Warnings and errors that there may be. */
const EXPECTED: readonly RegExp[] = [
  `^handler ${NAME} failed(; its (fields|error) can't be read)?$`,
  `^handler ${NAME} ended after its call had been answered; its result is dropped(; its \\w+ can't be read)?$`,
  `^handler ${NAME} took \\d+ ms, and endpoint ${NAME} reads no other request meanwhile; `,
  `^the worker \\(\\w+\\) of handler "stray-\\w+" .*; it was idle$`,
  `^plugin ${NAME} does not load: `,
  `^setup of handler ${NAME} failed: chaos`,
  `^teardown of ${NAME} failed: (chaos|handler "${NAME}" did not end within |the worker \\(\\w+\\) of handler )`,
  "^a worker \\(\\w+\\) of handler young\\d+ did not start: chaos",
  "the codec goes on as it was$",
  "^the configuration can't be used, and what is served stays as it was: ",
  `: handlers\\.${NAME}\\.plugin: there is no `,
  "^a promise was rejected and nobody was there to see it$",
  "^an error was thrown outside of any call$",
].map((source) => new RegExp(source, "s"));

/** What the errors in them may be: the handlers' own, what the host makes of them, how a worker ends. */
const CAUSES: readonly RegExp[] = [
  /chaos/,
  /^not an Error was thrown: null$/,
  /^something unreadable was thrown$/,
  /^the handler's result can't be encoded/,
  /^the worker \(\w+\) of handler "[\w-]+" (exited with code|ran out of memory|was ended by SIG|died of .*: not an Error)/,
  /^handler "[\w-]+" did not end within 100 ms of its signal/,
  /^handler "[\w-]+" had \d+ ms, and it (ran|waited) longer$/,
];

/** Not JSON: what the host's children and V8 write, unless it is one of these. */
const ALARMING = /\bbug\b|Warning:|Assertion|terminate called|ERR_INTERNAL/i;

const KEPT_LINES = 400;
const SHOWN_CHARACTERS = 400;

/**
 * @param onStrange told of lines that nobody expected: mistakes of the host's own, or what this suite does not do
 * @param copy a file that all of it is kept in
 */
export function createLogReader(onStrange: (line: string) => void, copy: string | undefined): LogReader {
  const lines: string[] = [];
  const kinds = new Map<string, number>();
  const addresses = new Map<string, string[]>();
  const waiting = new Set<() => void>();
  const messages = new Map<string, number>();

  function read(text: string): void {
    lines.push(text);
    if (copy !== undefined) appendFileSync(copy, `${text}\n`);
    if (lines.length > 2 * KEPT_LINES) lines.splice(0, KEPT_LINES);
    const line = lineFrom(text);
    if (line === undefined) {
      if (ALARMING.test(text)) onStrange(text);
      return;
    }
    if (isStrange(line)) onStrange(text);
    const kind = `${line.level} ${line.msg.split(/[:;,]/)[0]?.replace(/[\w-]*-(inline|thread|process)|\d+/g, "…")}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    note(line);
    for (const look of waiting) look();
  }

  function note({ msg, endpoint = "" }: Line): void {
    const [, what = "", address = ""] = /^(listening on|closed) (.*)$/.exec(msg) ?? [];
    if (what === "") return;
    messages.set(what, (messages.get(what) ?? 0) + 1);
    if (what === "closed") addresses.delete(endpoint);
    else addresses.set(endpoint, [...(addresses.get(endpoint) ?? []), address]);
  }

  return {
    read,
    last: (count) =>
      lines
        .slice(-count)
        .map((line) => line.slice(0, SHOWN_CHARACTERS))
        .join("\n"),
    count(text, times) {
      return new Promise((resolve) => {
        const look = (): void => {
          if ((messages.get(text) ?? 0) < times) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
    addressesOf: (endpoint) => addresses.get(endpoint) ?? [],
    kinds,
  };
}

function lineFrom(text: string): Line | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

function isStrange({ level, msg, err }: Line): boolean {
  if (/\bbug\b/i.test(msg)) return true;
  if (level !== "warn" && level !== "error") return false;
  if (!EXPECTED.some((pattern) => pattern.test(msg))) return true;
  if (err === undefined || err === null || CAUSES.some((pattern) => pattern.test(err.message ?? ""))) return false;
  // What is left is a mistake, perhaps of a handler that was sent garbage.
  const [frame = ""] = /^ {4}at .*$/m.exec(err.stack ?? "") ?? [];
  return !frame.includes("/plugins/");
}
