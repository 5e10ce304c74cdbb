/** The page's own files, built into dist/page: one HTML, its script, its style and an icon, all from here. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Routes } from "../listener.ts";

/** Seen from src/http/page and from dist/http/page alike. */
const FOLDER = new URL("../../../dist/page/", import.meta.url);

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
} as const;

/** Nothing runs, and nothing is loaded or asked, that is not from this host. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "form-action 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

export const PAGE_HEADERS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
} as const;

interface Packed {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
}

export function pageFiles(): Routes {
  const routes = Object.entries(FILES).map(([path, [name, type]]) => {
    let packed: Promise<Packed> | undefined;
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
      packed ??= pack(new URL(name, FOLDER));
      const { plain, gzipped } = await packed;
      const isZipped = /\bgzip\b/.test(String(request.headers["accept-encoding"]));
      response.writeHead(200, {
        ...PAGE_HEADERS,
        "Content-Type": type,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        Vary: "Accept-Encoding",
        ...(isZipped && { "Content-Encoding": "gzip" }),
      });
      response.end(isZipped ? gzipped : plain);
    };
    return [path, { method: "GET", handle }] as const;
  });
  return Object.fromEntries(routes);
}

async function pack(file: URL): Promise<Packed> {
  const plain = await readFile(file);
  return { plain, gzipped: await promisify(gzip)(plain) };
}
