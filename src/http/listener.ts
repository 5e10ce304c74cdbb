/** An HTTP server for who runs a host: bounded in connections, sizes and times, so that strangers cost it little. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { textOf, ZmqEchoError } from "../errors.ts";
import type { Log } from "../handler.ts";
import { parseHttpAddress } from "../wire/http-address.ts";

export interface Route {
  readonly method: "GET" | "POST";
  /** Ends the response. What it throws is logged, and answered 500 without a word of it. */
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

/** By path. */
export type Routes = Readonly<Record<string, Route>>;

export interface Listener {
  /** `http://HOST:PORT`, with the real port. */
  readonly url: string;
  /** Ends at once; answers that are not sent are lost. */
  close(): Promise<void>;
}

/** Rejects with a `ZmqEchoError` for an address that can't be had. */
export async function listen(bind: string, routes: Routes, log: Log): Promise<Listener> {
  const { host, port } = parseHttpAddress(bind);
  const server = createServer((request, response) => {
    answer(routes, request, response).catch((err: unknown) => {
      log.error({ err }, `an HTTP request failed: ${textOf(err)}`);
      if (!response.headersSent) reply(response, 500, "internal error; the host's log has the cause\n");
      response.destroy();
    });
  });
  await bound(server, host, port, bind);
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

async function bound(server: Server, host: string, port: number, bind: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new ZmqEchoError("unavailable", `can't listen on http://${bind}: ${cause.message}`, { cause })),
    );
    server.listen({ port, ...(host !== "*" && { host }) }, resolve);
  });
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return reply(response, 404, "there is nothing here\n");
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== route.method) {
    response.setHeader("Allow", route.method === "GET" ? "GET, HEAD" : route.method);
    return reply(response, 405, `this takes ${route.method}\n`);
  }
  await route.handle(request, response);
}

/** A whole response in plain text. */
export function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
  response.end(text);
}
