/** Follows `http` of the configuration: opens, changes and closes what a host shows of itself. */
import type { CallHook } from "../core/call.ts";
import type { Log } from "../handler.ts";
import { parseHttpAddress } from "../wire/http-address.ts";
import type { HostView } from "./host-view.ts";
import type { HttpConfig, Ops } from "./ops.ts";

export interface OpsFollower {
  /**
   * Opens what the configuration wants, and says how to go on: the one before is open until then.
   * Rejects, and leaves all as it was, if an address can't be had.
   */
  prepare(config: HttpConfig | undefined): Promise<PreparedOps>;
  /** Absent if there is nothing open. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

export interface PreparedOps {
  readonly hooks: readonly CallHook[];
  /** Closes the one before. */
  commit(): Promise<void>;
  /** Goes on with the one before. */
  discard(): Promise<void>;
}

export function createOpsFollower(host: HostView, log: Log): OpsFollower {
  let current: Ops | undefined;
  let isClosed = false;

  async function prepare(config: HttpConfig | undefined): Promise<PreparedOps> {
    const before = current;
    const stays = before !== undefined && before.config.bind === config?.bind;
    let madeRoom = false;
    const next = stays ? before : config && (await openBeside(config));
    return {
      hooks: next?.hooks ?? [],
      async commit() {
        // The host stopped meanwhile.
        if (isClosed) return next?.close();
        current = next;
        if (!stays) await before?.close();
        else if (config !== undefined) before.configure(config);
      },
      async discard() {
        if (stays) return;
        await next?.close();
        await takeBack();
      },
    };

    /** The one before goes on, unless the address is its own: `*:9464` is not to be had beside `127.0.0.1:9464`. */
    async function openBeside(wanted: HttpConfig): Promise<Ops> {
      try {
        return await open(wanted);
      } catch (error) {
        if (before === undefined || !before.url.endsWith(`:${parseHttpAddress(wanted.bind).port}`)) throw error;
        madeRoom = true;
        await before.release();
        return await open(wanted).catch(async (again: unknown) => {
          await takeBack();
          throw again;
        });
      }
    }

    async function takeBack(): Promise<void> {
      if (before === undefined || !madeRoom || isClosed) return;
      // If somebody else was quicker, a reload finds none open, and opens another or says why not.
      const isBack = await before.retake().then(
        () => true,
        () => false,
      );
      if (isBack && !isClosed) return;
      current = undefined;
      await before.close();
    }
  }

  async function open(config: HttpConfig): Promise<Ops> {
    const { openOps } = await import("./ops.ts");
    return openOps(config, host, log);
  }

  return {
    prepare,
    get url() {
      return current?.url;
    },
    async close() {
      isClosed = true;
      await current?.close();
    },
  };
}
