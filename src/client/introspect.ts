/** What an endpoint that serves by name tells of itself: ping, list, describe and stats, asked through any client. */
import type { Body } from "../codecs/codec.ts";
import { CallError, type JsonObject, ZmqEchoError } from "../errors.ts";
import type { HandlerDescription, HandlerList, HostStats, Pong } from "../wire/introspection.ts";
import { readZepReply } from "../wire/reply.ts";
import { writeRequest, type ZepRequest } from "../wire/zep.ts";
import type { RequestOptions } from "./client.ts";

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
  async function ask<Told>(
    request: ZepRequest,
    isTold: (told: JsonObject) => boolean,
    options?: RequestOptions,
  ): Promise<Told> {
    try {
      const told: unknown = await asked(request, options);
      if (isObject(told) && isTold(told)) return told as Told;
      throw new ZmqEchoError("internal", `the reply to ${request.verb} does not hold what ZEP/1 has it hold`);
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
    ping: (options) => ask({ verb: "ping" }, isPong, options),
    list: (options) => ask({ verb: "list" }, isList, options),
    describe: (handler, options) => ask({ verb: "describe", handler }, isDescription, options),
    stats: (options) => ask({ verb: "stats" }, isStats, options),
  };
}

// As far as a program would fall over it: a server may be anybody's.

function isPong({ endpoint }: JsonObject): boolean {
  return typeof endpoint === "string";
}

function isList({ handlers, codecs }: JsonObject): boolean {
  return isListOf(handlers, isSummary) && isListOf(codecs, isText);
}

function isDescription(told: JsonObject): boolean {
  const { codecs, notes = [], protobuf = [], limits, pool = {} } = told;
  const isWhole = isSummary(told) && isObject(limits) && isObject(pool);
  return isWhole && isListOf(codecs, isText) && isListOf(notes, isText) && isListOf(protobuf, isObject);
}

function isStats({ endpoints, handlers }: JsonObject): boolean {
  return isObject(endpoints) && isObject(handlers);
}

function isSummary(value: unknown): boolean {
  return isObject(value) && isText(value.name);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
