/** Every call of a host, counted by endpoint, handler and code; what a call costs for it is a few look-ups. */
import type { CallHook } from "../../core/call.ts";
import { type CallCounter, createCallCounter } from "../../counts.ts";
import type { ErrorCode } from "../../errors.ts";
import { bytesOf } from "../../wire/limits.ts";

export interface CallCounting {
  readonly hook: CallHook;
  /** By name. Lets go of endpoints and handlers that are gone, so that they do not pile up over reloads. */
  endpoints(isOpen: (endpoint: string) => boolean): ReadonlyMap<string, EndpointCalls>;
}

export interface EndpointCalls {
  /** How long calls waited for a place; most of them not at all. */
  readonly waited: CallCounter;
  /** By handler; `""` has all that named none that there is, whatever they named. */
  readonly handlers: ReadonlyMap<string, HandlerCalls>;
}

export interface HandlerCalls {
  /** How long calls took, by code. */
  readonly codes: ReadonlyMap<"ok" | ErrorCode, CallCounter>;
  /** Of all bodies, without the frames that come before them. */
  requestBytes: number;
  /** The same of those that were answered `ok`. */
  responseBytes: number;
}

interface Handler extends HandlerCalls {
  readonly codes: Map<"ok" | ErrorCode, CallCounter>;
}

interface Endpoint extends EndpointCalls {
  readonly handlers: Map<string, Handler>;
  readonly unknown: Handler;
}

/** @param isHandler whether there is one of that name; what else strangers name becomes no label */
export function createCallCounting(isHandler: (name: string) => boolean): CallCounting {
  const endpoints = new Map<string, Endpoint>();

  function addEndpoint(name: string): Endpoint {
    const unknown = newHandler();
    const endpoint = { waited: createCallCounter(), handlers: new Map([["", unknown]]), unknown };
    endpoints.set(name, endpoint);
    return endpoint;
  }

  function addHandler(endpoint: Endpoint, name: string): Handler {
    if (!isHandler(name)) return endpoint.unknown;
    // Nobody may ever look, and names may come and go all the same.
    forgetGone(endpoint);
    const handler = newHandler();
    endpoint.handlers.set(name, handler);
    return handler;
  }

  function forgetGone({ handlers }: Endpoint): void {
    for (const name of handlers.keys()) if (name !== "" && !isHandler(name)) handlers.delete(name);
  }

  return {
    hook: {
      end(outcome, { totalMs, waitedMs }, source, call) {
        const { code } = outcome;
        const endpoint = endpoints.get(source.endpoint) ?? addEndpoint(source.endpoint);
        const handler =
          call === undefined
            ? endpoint.unknown
            : (endpoint.handlers.get(call.handler) ?? addHandler(endpoint, call.handler));
        let counter = handler.codes.get(code);
        if (counter === undefined) {
          counter = createCallCounter();
          handler.codes.set(code, counter);
        }
        counter.record(code, totalMs);
        if (call === undefined) return;
        endpoint.waited.record(code, waitedMs);
        handler.requestBytes += bytesOf(call.body);
        if (code === "ok") handler.responseBytes += bytesOf(outcome.body);
      },
    },
    endpoints(isOpen) {
      for (const [name, endpoint] of endpoints) {
        if (isOpen(name)) forgetGone(endpoint);
        else endpoints.delete(name);
      }
      return endpoints;
    },
  };
}

function newHandler(): Handler {
  return { codes: new Map(), requestBytes: 0, responseBytes: 0 };
}
