/** An HTTP server for who runs a host: bounded in connections, sizes and times, so that strangers cost it little. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { textOf, ZmqEchoError } from "../errors.ts";
import type { Log } from "../handler.ts";
import { parseHttpAddress } from "../wire/http-address.ts";
import { type ConnectionLimits, limitConnections } from "./connections.ts";
import { isOurs, targetOf } from "./target.ts";

export interface Route {
  readonly method: "GET" | "POST";
  /** For programs, which call a host by any name; a page is for browsers. Default: only by names that are ours. */
  readonly anyHost?: boolean;
  /** Ends the response. What it throws is logged, and answered 500 without a word of it. */
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

/** By path. */
export type Routes = Readonly<Record<string, Route>>;

/** What a peer may use up. Nothing limits how long a response goes on that its route has not ended. */
export interface ListenerLimits extends ConnectionLimits {
  /** Of one connection. */
  readonly requests: number;
  readonly urlBytes: number;
  /** Of the request's line and all headers. */
  readonly headerBytes: number;
  /** Milliseconds from the connection, or from the first byte of a further request, until all headers are there. */
  readonly headersMs: number;
  /** The same, until the body is there too. */
  readonly requestMs: number;
  /** How long a connection may wait for a further request. */
  readonly keepAliveMs: number;
  /** How long the peer may take to read a response that has ended. */
  readonly readingMs: number;
  /** How often connections are looked at for these times. */
  readonly lookMs: number;
}

const LIMITS: ListenerLimits = {
  connections: 128,
  pipelined: 8,
  requests: 1000,
  urlBytes: 2048,
  headerBytes: 8192,
  headersMs: 5000,
  requestMs: 30_000,
  keepAliveMs: 5000,
  readingMs: 10_000,
  lookMs: 500,
};

export interface ListenOptions {
  /** The names, beside addresses and `localhost`, by which a browser may call it. */
  readonly hosts: () => readonly string[];
  readonly log: Log;
  readonly limits?: Partial<ListenerLimits>;
}

export interface Listener {
  /** `http://HOST:PORT`, with the real port. */
  readonly url: string;
  /** Ends at once; answers that are not sent are lost. */
  close(): Promise<void>;
}

/** What every response says to a browser: show it as what it is, in no frame, to no other site. */
const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const PLAIN = "text/plain; charset=utf-8";

/** Rejects with a `ZmqEchoError` for an address that can't be had. */
export async function listen(bind: string, routes: Routes, options: ListenOptions): Promise<Listener> {
  const { log } = options;
  const limits = { ...LIMITS, ...options.limits };
  const { host, port } = parseHttpAddress(bind);
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    connectionsCheckingInterval: limits.lookMs,
  });
  server.maxRequestsPerSocket = limits.requests;
  const connections = limitConnections(server, limits);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    // A response has no socket while one that was asked for before goes on; it may never get one.
    if (response.socket === null) response.once("socket", () => begin(request, response));
    else begin(request, response);
  });

  function begin(request: IncomingMessage, response: ServerResponse): void {
    // Hung up on, with requests left that came together.
    if (request.socket.destroyed) return;
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    answer(request, response)
      .catch((err: unknown) => {
        log.error({ err }, `an HTTP request failed: ${textOf(err)}`);
        if (!response.headersSent) refuse(response, 500, "internal error; the host's log has the cause");
        else response.destroy();
      })
      .finally(() => hurry(response, limits.readingMs));
  }

  server.on("checkExpectation", (_, response: ServerResponse) => refuse(response, 417, "this expects nothing"));
  server.on("connect", (_, socket) => hangUp(socket, "405 Method Not Allowed", "this is no proxy"));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (connections.isAnswering(socket)) return void socket.destroy();
    const [status, text] = COMPLAINTS[error.code ?? ""] ?? ["400 Bad Request", "this is no request of HTTP/1.1"];
    hangUp(socket, status, text);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if ((request.url ?? "").length > limits.urlBytes)
      return refuse(response, 414, `a URL has ${limits.urlBytes} bytes at most`);
    const target = targetOf(request);
    const route = Object.hasOwn(routes, target.path) ? routes[target.path] : undefined;
    if (route?.anyHost !== true && !isOurs(target.host, options.hosts()))
      return refuse(response, 421, `${JSON.stringify(target.host ?? "")} is no name of this host; ${HOW_TO_NAME}`);
    if (route === undefined) return refuse(response, 404, "there is nothing here");
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (method !== route.method) {
      response.setHeader("Allow", route.method === "GET" ? "GET, HEAD" : route.method);
      return refuse(response, 405, `this takes ${route.method}`);
    }
    // Nobody reads it, so it need not be sent to its end.
    if (method === "GET" && hasBody(request)) response.setHeader("Connection", "close");
    await route.handle(request, response);
  }

  await bound(server, host, port, bind);
  // Such as no more files: whoever comes waits, and those who are there are served.
  server.on("error", (err) => log.debug({ err }, `http://${bind}: ${err.message}`));
  server.unref();
  const { address, port: real, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${real}`,
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

const HOW_TO_NAME = 'put it into "http.hosts" of the configuration, or call this host by its address';

async function bound(server: Server, host: string, port: number, bind: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new ZmqEchoError("unavailable", `can't listen on http://${bind}: ${cause.message}`, { cause }));
    server.once("error", fail);
    server.listen({ port, ...(host !== "*" && { host }) }, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

/** What is wrong with bytes that never became a request, by the code of Node's error. */
const COMPLAINTS: Readonly<Record<string, readonly [status: string, text: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "the request's line and headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request took too long to come"],
};

/** For what has no response to write to. Whoever has gone already is not told. */
function hangUp(socket: Duplex, status: string, text: string): void {
  if (socket.writable) {
    const headers = { ...HEADERS, "Content-Type": PLAIN, "Content-Length": text.length + 1, Connection: "close" };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${text}\n`);
  }
  socket.destroy();
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Whoever reads so slowly that a whole response waits is let go. */
function hurry(response: ServerResponse, readingMs: number): void {
  if (!response.writableEnded || response.writableFinished) return;
  const timer = setTimeout(() => response.destroy(), readingMs).unref();
  response.once("close", () => clearTimeout(timer));
}

/** The same as {@link reply}, and the connection ends: what else comes with such a request is not wanted. */
function refuse(response: ServerResponse, status: number, text: string): void {
  response.setHeader("Connection", "close");
  reply(response, status, `${text}\n`);
}

/** A whole response, in plain text unless its type is said to be another. */
export function reply(response: ServerResponse, status: number, body: string | Uint8Array, type = PLAIN): void {
  response.statusCode = status;
  response.setHeader("Content-Type", type);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}
