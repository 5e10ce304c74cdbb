/**
 * Keys follow the disk by themselves, and wait for nothing: no plugin that takes long to load, and no endpoint that drains.
 * While some can't be read they are looked at again and again: no file may be left to open, or a mount be gone, and what
 * ends that is no event.
 */
import type { Keyring, Keyrings } from "./curve/keyring.ts";
import type { Log } from "./handler.ts";
import { oneMore } from "./one-more.ts";

export interface KeyFollowerOptions {
  readonly read: () => Promise<Keyrings>;
  readonly admit: (keyrings: ReadonlyMap<string, Keyring>) => void;
  readonly log: Log;
}

export interface KeyFollower {
  /** Takes up the keys as they are now. */
  follow(): Promise<void>;
  stop(): void;
}

const AGAIN_MS = 1000;

export function createKeyFollower({ read, admit, log }: KeyFollowerOptions): KeyFollower {
  let again: NodeJS.Timeout | undefined;
  let isStopped = false;

  const { run } = oneMore(async () => {
    const { byEndpoint, problems } = await read();
    if (isStopped) return;
    admit(byEndpoint);
    clearTimeout(again);
    if (problems.length > 0) {
      again = setTimeout(run, AGAIN_MS).unref();
    } else if (again !== undefined) {
      again = undefined;
      log.info("all keys can be read again");
    }
  });

  return {
    follow: run,
    stop() {
      isStopped = true;
      clearTimeout(again);
    },
  };
}
