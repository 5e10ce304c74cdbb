/** Follows `capture` of the configuration: which failed requests are kept, and where. */
import type { Config, EndpointConfig } from "../config/effective.ts";
import type { CallHook } from "../core/call.ts";
import { settledWithin } from "../durations.ts";
import type { Log } from "../handler.ts";
import { reachable } from "../wire/address.ts";
import { listed } from "../wording.ts";
import type { Head } from "./files.ts";
import { createKeeper, type Keeper } from "./keeper.ts";

export interface CaptureFollower {
  /** What is to be told of calls under a configuration; nothing is opened or changed before its `commit`. */
  prepare(config: Pick<Config, "capture" | "codecs">): PreparedCapture;
  /** Writes what is to be written, for so long at most. */
  close(withinMs: number): Promise<void>;
}

export interface PreparedCapture {
  hooksFor(endpoint: EndpointConfig): readonly CallHook[];
  commit(): void;
}

/** @param addresses the real ones by endpoint, ports filled in */
export function createCaptureFollower(addresses: ReadonlyMap<string, readonly string[]>, log: Log): CaptureFollower {
  /** By folder. One that is no longer named still writes what it was given, and what calls give it that run. */
  const keepers = new Map<string, Keeper>();

  function prepare({ capture, codecs }: Pick<Config, "capture" | "codecs">): PreparedCapture {
    if (capture === undefined) return { hooksFor: () => [], commit: () => {} };
    const { dir, max, maxBytes } = capture;
    const bounds = { max, maxBytes };
    const isNew = !keepers.has(dir);
    const keeper = keepers.get(dir) ?? createKeeper(dir, bounds, log);
    const codes = new Set<string>(capture.codes);
    return {
      hooksFor: (endpoint) => [hookFor(endpoint)],
      commit() {
        keepers.set(dir, keeper);
        keeper.configure(bounds);
        if (!isNew) return;
        log.info({ dir }, `requests that fail with ${listed(capture.codes, "or")} are kept in ${dir}`);
        keeper.look();
      },
    };

    function hookFor(endpoint: EndpointConfig): CallHook {
      return {
        end(outcome, durations, source, call) {
          if (outcome.code === "ok" || call === undefined || !codes.has(outcome.code)) return;
          keeper.keep({ call, outcome, durations, head: () => headOf(source.endpoint, endpoint) });
        },
      };
    }

    function headOf(name: string, endpoint: EndpointConfig): Head {
      const target = targetOf(name, endpoint);
      if (endpoint.handlers !== undefined) return { target, codec: "raw", zep: true };
      const spec = codecs[endpoint.codec];
      return { target, codec: endpoint.codec, ...(spec !== undefined && { spec }), zep: false };
    }
  }

  /** Its address, or its name where more than an address is needed. */
  function targetOf(name: string, { bind, curve }: EndpointConfig): string {
    const [address] = addresses.get(name) ?? bind;
    return address === undefined || bind.length === 0 || curve !== undefined ? name : reachable(address);
  }

  return {
    prepare,
    async close(withinMs) {
      const all = [...keepers.values()].map((keeper) => keeper.written());
      if (await settledWithin(Promise.all(all), withinMs)) return;
      log.error({ dirs: [...keepers.keys()] }, "failed requests are not all written, and are not waited for");
    },
  };
}
