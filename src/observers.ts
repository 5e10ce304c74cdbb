/** Who is told of a host's calls, as its configuration has it: what is shown over HTTP, what is kept of failures, and spans. */
import { createCaptureFollower } from "./capture/capture.ts";
import type { Config } from "./config/effective.ts";
import type { CallHook } from "./core/call.ts";
import { createCallSpans } from "./core/call-spans.ts";
import type { Shared } from "./endpoint.ts";
import type { Log } from "./handler.ts";
import { createOpsFollower, type OpsFollower } from "./http/follow.ts";
import type { HostView } from "./http/host-view.ts";
import { tracingApi } from "./tracing/api.ts";

export interface ObserversOptions {
  /** Told of all calls, whatever the configuration says. */
  readonly hooks: readonly CallHook[];
  readonly view: HostView;
  /** The real ones by endpoint, ports filled in. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  readonly log: Log;
  /** For what is not for those who see the page: the page's own token. */
  readonly privateLog: Log;
}

export interface Observers {
  /**
   * Opens what a configuration wants, and says who is to be told of calls under it: until its `commit` all else is as before.
   * Rejects, and leaves all as it was, if an address can't be had.
   */
  prepare(config: Config): Promise<PreparedObservers>;
  readonly httpUrl: OpsFollower["url"];
  /** What is seen by others ends first, since they may look at it while all else ends. */
  closeHttp(): Promise<void>;
  /** Writes what is still to be kept, for so long at most. */
  close(withinMs: number): Promise<void>;
}

export interface PreparedObservers extends Pick<Shared, "hooksFor"> {
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export function createObservers({ hooks, view, addresses, log, privateLog }: ObserversOptions): Observers {
  const ops = createOpsFollower(view, privateLog);
  const capture = createCaptureFollower(addresses, log);
  let spans: CallHook | undefined;

  async function prepare(config: Config): Promise<PreparedObservers> {
    const shown = await ops.prepare(config.http);
    const kept = capture.prepare(config);
    const ofAll = [...hooks, ...shown.hooks, ...tracing()];
    return {
      hooksFor: (endpoint) => [...ofAll, ...kept.hooksFor(endpoint)],
      async commit() {
        await shown.commit();
        kept.commit();
      },
      discard: shown.discard,
    };
  }

  /** Looked at anew by each reload: an SDK may come later. */
  function tracing(): CallHook[] {
    const api = tracingApi();
    if (api === undefined) return [];
    // The same one, since it has the spans of the calls that run.
    spans ??= createCallSpans(api, {
      isHandler: view.isHandler,
      addressesOf: (endpoint) => addresses.get(endpoint),
    });
    return [spans];
  }

  return {
    prepare,
    get httpUrl() {
      return ops.url;
    },
    closeHttp: ops.close,
    close: capture.close,
  };
}
