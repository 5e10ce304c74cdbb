/** What a request is to: the host's name that it gives, and the path. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

export interface Target {
  /** In lower case, without a port, an IPv6 address without brackets. Absent if the request gives none that could be one. */
  readonly host: string | undefined;
  /** Without the query. */
  readonly path: string;
}

const AUTHORITY = /^(?:\[([\da-f:.]+)\]|([\da-z._-]+?)\.?)(?::\d{1,5})?$/i;
const ABSOLUTE = /^http:\/\/([^/?#]*)([^?#]*)/i;

/** Of a request's line and its `Host`; the line counts where it has both (RFC 9112, 3.2.2). */
export function targetOf({ url = "", headers }: Pick<IncomingMessage, "url" | "headers">): Target {
  const absolute = ABSOLUTE.exec(url);
  const [, authority = headers.host ?? "", path = url] = absolute ?? [];
  const [, address, name] = AUTHORITY.exec(authority) ?? [];
  return { host: (address ?? name)?.toLowerCase(), path: path === "" ? "/" : (path.split("?", 1)[0] ?? "") };
}

/**
 * Whether a page that a browser has loaded from there may be one of ours. A name that its owner lets point here is not: such a page could
 * read all that this machine shows (DNS rebinding). An address can't be made to point elsewhere.
 * @param names those that the configuration gives, beside `localhost`
 */
export function isOurs(host: string | undefined, names: readonly string[]): boolean {
  return host !== undefined && (host === "localhost" || isIP(host) !== 0 || names.includes(host));
}
