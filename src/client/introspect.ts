/** What an endpoint that serves by name tells of itself: ping, list, describe and stats, asked through any client. */
import type { Body } from "../codecs/codec.ts";
import { CallError, ZmqEchoError } from "../errors.ts";
import type { HandlerDescription, HandlerList, HostStats, Pong } from "../wire/introspection.ts";
import { writeRequest, type ZepRequest } from "../wire/zep.ts";
import type { RequestOptions } from "./client.ts";
import { readZepReply } from "./reply.ts";

/**
 * All of it rejects as a call does, with `unimplemented` too: the server does not speak ZEP/1, or its endpoint tells
 * nothing of itself. A server that does not speak it takes the question for a request.
 */
export interface Introspection {
  /** Asks whether the endpoint reads and answers; no handler runs. */
  ping(options?: RequestOptions): Promise<Pong>;
  /** The handlers that the endpoint serves, and the codecs. */
  list(options?: RequestOptions): Promise<HandlerList>;
  /** One of these handlers in detail. Rejects with `not_found` for any other name. */
  describe(handler: string, options?: RequestOptions): Promise<HandlerDescription>;
  /** What the host has counted. */
  stats(options?: RequestOptions): Promise<HostStats>;
}

/** @param exchange sends one message and resolves with the frames of its reply, unless they are a plain endpoint's error: that is rejected with */
export function createIntrospection(
  exchange: (frames: Body, options?: RequestOptions) => Promise<Body>,
): Introspection {
  async function ask(request: ZepRequest, wanted: string, options?: RequestOptions): Promise<unknown> {
    try {
      const told: unknown = await asked(request, options);
      if (typeof told === "object" && told !== null && wanted in told) return told;
      throw new ZmqEchoError("internal", `the reply to ${request.verb} has no ${wanted}`);
    } catch (error) {
      throw ZmqEchoError.is(error) && !CallError.is(error) ? new CallError(error) : error;
    }
  }

  async function asked(request: ZepRequest, options?: RequestOptions): Promise<unknown> {
    const { body } = readTold(await replyTo(writeRequest(request), options));
    try {
      return JSON.parse(Buffer.concat(body as Uint8Array[]).toString());
    } catch (cause) {
      throw new ZmqEchoError("internal", `the reply to ${request.verb} is no JSON`, { cause });
    }
  }

  async function replyTo(frames: Body, options?: RequestOptions): Promise<Body> {
    try {
      return await exchange(frames, options);
    } catch (error) {
      // It has come from the server, as one frame: so a plain endpoint answers what it can't read.
      throw ZmqEchoError.is(error) && typeof error.details.requestId === "string" ? speaksNoZep(error) : error;
    }
  }

  return {
    ping: (options) => ask({ verb: "ping" }, "endpoint", options) as Promise<Pong>,
    list: (options) => ask({ verb: "list" }, "handlers", options) as Promise<HandlerList>,
    describe: (handler, options) => ask({ verb: "describe", handler }, "name", options) as Promise<HandlerDescription>,
    stats: (options) => ask({ verb: "stats" }, "handlers", options) as Promise<HostStats>,
  };
}

function readTold(frames: Body): ReturnType<typeof readZepReply> {
  try {
    return readZepReply(frames);
  } catch (error) {
    throw ZmqEchoError.is(error) && error.code === "internal" && error.cause !== undefined ? speaksNoZep(error) : error;
  }
}

function speaksNoZep(cause: unknown): ZmqEchoError {
  const text =
    'the server does not speak ZEP/1, so it can\'t be asked what it serves; endpoints with "handlers" speak it';
  return new ZmqEchoError("unimplemented", text, { cause });
}
