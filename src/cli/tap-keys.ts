/** CURVE for `tap`: what it is to the server, whom it lets in itself, and the bridge between the two. Loaded where keys are given. */
import { readFile } from "node:fs/promises";
import type { CurveKeys } from "../client/connection.ts";
import { diagnose } from "../client/diagnose.ts";
import { greet } from "../client/greet.ts";
import { createKeyringReader, type Keyring } from "../curve/keyring.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Log, LogMethod } from "../handler.ts";
import { createWatcher } from "../loader/watch/watch.ts";
import { type Onward, STREAM_OPTIONS } from "../tap/splice.ts";
import type { MessageWatcher } from "../tap/watch.ts";
import { openBridge } from "../transports/zmq/bridge.ts";
import type { ServerNews } from "../transports/zmq/link.ts";
import { usageError } from "./failure.ts";

/** Paths, as in an endpoint's `curve`. */
export interface ListenKeys {
  readonly certificate: string;
  readonly allow: string;
}

export interface TapBridgeOptions {
  /** Of the server. */
  readonly address: string;
  readonly curve: CurveKeys | undefined;
  readonly listen: ListenKeys | undefined;
  readonly watch: () => MessageWatcher;
  readonly say: (text: string) => void;
}

export interface TapBridge {
  through(): Onward;
  close(): Promise<void>;
}

/** Each takes some of libzmq's files, and two connections. */
const MOST_CLIENTS = 1000;
const FILES_PER_CLIENT = 12;
const OWN_FILES = 100;

const GREETING_MS = 2000;
const LOOK_MS = 1000;

/** Rejects with a usage error for files that can't be used, and with `unauthenticated` if the server would not have us. */
export async function openTapBridge({ address, curve, listen, watch, say }: TapBridgeOptions): Promise<TapBridge> {
  const notes = createServerNotes(address, curve, say);
  const keys = listen && (await followKeys(listen, say));
  try {
    if (curve !== undefined) await greetOrNote(address, curve, notes);
    const bridge = await openBridge({
      address,
      server: curve,
      keyring: keys?.keyring,
      mostClients: await mostClients(),
      onServer: notes,
      log: logOf(say),
    });
    keys?.onChange(bridge.admit);
    return {
      through() {
        const watcher = watch();
        return { server: bridge.join(watcher, STREAM_OPTIONS), watcher };
      },
      async close() {
        keys?.close();
        await bridge.close();
      },
    };
  } catch (error) {
    keys?.close();
    throw error;
  }
}

/** One that is not there is waited for; one that would not have us will not have anybody who comes through us. */
async function greetOrNote(address: string, curve: CurveKeys, notes: (news: ServerNews) => void): Promise<void> {
  try {
    await greet(address, curve, GREETING_MS);
  } catch (error) {
    if (ZmqEchoError.is(error) && error.code === "unauthenticated") throw error;
    notes("gone");
  }
}

/** Says once why the server can't be had, and once that it is there again. */
function createServerNotes(address: string, curve: CurveKeys | undefined, say: (text: string) => void) {
  let wasThere = true;
  return (news: ServerNews): void => {
    const isThere = news === "up";
    if (isThere === wasThere) return;
    wasThere = isThere;
    if (isThere) {
      say(`${address} is there`);
      return;
    }
    const trouble = news === "gone" ? undefined : news;
    void diagnose(address, LOOK_MS, { curve, trouble }).then(({ code, text }) =>
      say(code === "unauthenticated" ? `unauthenticated: ${text}` : `${text}; requests wait for it`),
    );
  };
}

/** The keys for clients, read again when something changes on the disk. */
async function followKeys(curve: ListenKeys, say: (text: string) => void) {
  const readKeyrings = createKeyringReader();
  const read = () => readKeyrings({ listen: { curve } });
  const first = await read();
  const keyring = first.byEndpoint.get("listen");
  if (keyring === undefined || first.problems.length > 0)
    throw usageError(first.problems.map(({ message }) => message).join("; "));
  let said = new Set<string>();
  const tell = ({ problems, notices }: typeof first): void => {
    const texts = new Set([...problems, ...notices].map(({ message }) => message));
    for (const text of texts) if (!said.has(text)) say(text);
    said = texts;
  };
  tell(first);
  let admit: (next: Keyring) => void = () => undefined;
  const watcher = createWatcher({
    onChange: () =>
      void read().then((found) => {
        const next = found.byEndpoint.get("listen");
        if (next !== undefined) admit(next);
        tell(found);
        watcher.watch(found);
      }),
    onTrouble: say,
  });
  return {
    keyring,
    onChange(next: typeof admit) {
      admit = next;
      watcher.watch(first);
    },
    close: watcher.close,
  };
}

/** What ZAP tells of keys that are refused; each of them alone is too much. */
function logOf(say: (text: string) => void): Log {
  const tell: LogMethod = (first: string | object, message?: string) => {
    const count = typeof first === "object" && "count" in first ? ` (${first.count})` : "";
    say(`${typeof first === "string" ? first : message}${count}`);
  };
  const log: Log = { debug: () => undefined, info: () => undefined, warn: tell, error: tell, child: () => log };
  return log;
}

async function mostClients(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(1, Math.min(MOST_CLIENTS, Math.floor((files - OWN_FILES) / FILES_PER_CLIENT)));
}
