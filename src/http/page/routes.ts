/** The page at `/`: its files, what it shows, and calls from its form. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { listConfig } from "../../config/print.ts";
import { textOf, ZmqEchoError } from "../../errors.ts";
import { PAGE_PATHS, type PageEndpoint, type PageRefusal, type PageReply, type PageSetup } from "../../wire/page.ts";
import { shorten } from "../../wording.ts";
import type { Callable, HostView } from "../host-view.ts";
import { type Routes, reply } from "../listener.ts";
import { callFromPage, parsePageCall } from "./call.ts";
import { PAGE_HEADERS, pageFiles } from "./files.ts";
import { createGate, type Gate, isCrossSite } from "./gate.ts";
import { createStreams } from "./stream.ts";
import { createTail, type Tail } from "./tail.ts";

export interface Page {
  readonly routes: Routes;
  readonly hook: Tail["hook"];
  /** What a page has to know to call handlers. */
  readonly token: string;
}

/** More is a matter for `zmqecho send`. */
const MOST_BODY_BYTES = 1024 * 1024;

export function createPage(host: HostView): Page {
  const tail = createTail(() => host.config().config.http?.payloads === true);
  const streams = createStreams(randomUUID(), host, tail);
  const gate = createGate();
  return {
    token: gate.token,
    hook: tail.hook,
    routes: {
      ...pageFiles(),
      [PAGE_PATHS.events]: { method: "GET", handle: ownSite(streams.open) },
      [PAGE_PATHS.setup]: { method: "GET", handle: ownSite((_, response) => json(response, 200, setupOf(host))) },
      [PAGE_PATHS.handler]: {
        method: "GET",
        handle: ownSite((request, response) => describe(host, request, response)),
      },
      [PAGE_PATHS.call]: { method: "POST", handle: (request, response) => call(host, gate, request, response) },
    },
  };
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Another site could not read the answer anyway; nor shall it cost anything. */
function ownSite(handle: Handle): Handle {
  return (request, response) => {
    if (isCrossSite(request)) reply(response, 403, "this is for the host's own page\n");
    else handle(request, response);
  };
}

function setupOf(host: HostView): PageSetup {
  const loaded = host.config();
  const { handlers, codecs } = host.introspection.list();
  return {
    endpoints: [...host.endpoints].map(([name, endpoint]) => endpointOf(name, endpoint, handlers)),
    handlers,
    codecs,
    payloads: loaded.config.http?.payloads === true,
    ...(loaded.file !== undefined && { file: loaded.file }),
    folder: loaded.folder,
    config: listConfig(loaded),
  };
}

function endpointOf(name: string, { config, addresses, serves }: Callable, all: PageSetup["handlers"]): PageEndpoint {
  const { concurrency, queue, curve, codec, handlers } = config;
  return {
    name,
    addresses,
    ...(handlers === undefined && { codec }),
    handlers: all.filter((handler) => serves(handler.name)).map((handler) => handler.name),
    concurrency,
    queue,
    curve: curve !== undefined,
  };
}

function describe(host: HostView, request: IncomingMessage, response: ServerResponse): void {
  // The query alone: what comes before it need not be what a URL is made of.
  const name = new URLSearchParams((request.url ?? "").replace(/^[^?]*/, "")).get("name") ?? "";
  try {
    json(response, 200, host.introspection.describe(name));
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    json(response, 404, { error: error.message } satisfies PageRefusal);
  }
}

async function call(host: HostView, gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = gate.enter(request);
  if (refusal !== undefined) return refuse(response, refusal.status, refusal.error);
  try {
    const text = await textOfBody(request);
    if (text === undefined)
      return refuse(response, 413, `a call from here has ${MOST_BODY_BYTES} bytes at most; zmqecho send takes more`);
    const asked = parsePageCall(text);
    const endpoint = host.endpoints.get(asked.endpoint);
    if (endpoint === undefined)
      return refuse(response, 404, `endpoint ${JSON.stringify(shorten(asked.endpoint))} is not open`);
    json(response, 200, (await callFromPage(asked, endpoint)) satisfies PageReply);
  } catch (error) {
    // Whoever left in the middle of it gets no answer, and nothing of the host's has failed.
    if (!request.complete) return;
    if (!ZmqEchoError.is(error)) throw error;
    refuse(response, 400, `${error.code}: ${textOf(error)}`);
  } finally {
    gate.leave();
  }
}

/** Undefined if there is too much of it. */
async function textOfBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What came with it is not read, so the connection ends with the answer. */
function refuse(response: ServerResponse, status: number, error: string): void {
  response.setHeader("Connection", "close");
  json(response, status, { error } satisfies PageRefusal);
}

function json(response: ServerResponse, status: number, content: object): void {
  response.writeHead(status, { ...PAGE_HEADERS, "Content-Type": "application/json" });
  response.end(JSON.stringify(content));
}
