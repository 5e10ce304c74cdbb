/** Who may call handlers from a page: its own, with the token that this host's log told, and not too often. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { CALL_HEADER } from "../../wire/page.ts";

export interface Refusal {
  readonly status: number;
  readonly error: string;
}

export interface Gate {
  /** 192 random bits, as text for the address of the page. */
  readonly token: string;
  /** Undefined if the call may be made: then `leave` is to be called when it has ended. */
  enter(request: IncomingMessage): Refusal | undefined;
  leave(): void;
}

const MOST_AT_ONCE = 8;
const MOST_PER_SECOND = 20;

export function createGate(): Gate {
  const token = randomBytes(24).toString("base64url");
  const expected = digest(`Bearer ${token}`);
  let inside = 0;
  /** How many more may come now; it grows with time. */
  let allowance = MOST_PER_SECOND;
  let grownAt = performance.now();

  function isTooMany(): boolean {
    const now = performance.now();
    allowance = Math.min(MOST_PER_SECOND, allowance + ((now - grownAt) / 1000) * MOST_PER_SECOND);
    grownAt = now;
    if (allowance < 1) return true;
    allowance--;
    return false;
  }

  return {
    token,
    enter(request) {
      const { headers } = request;
      if (isCrossSite(request)) return { status: 403, error: "calls are made from this host's own page alone" };
      if (headers[CALL_HEADER.toLowerCase()] === undefined || headers["content-type"] !== "application/json")
        return { status: 415, error: `a call is application/json, with the header ${CALL_HEADER}` };
      // Of the same length whatever came, so how long it takes tells nothing.
      if (!timingSafeEqual(digest(headers.authorization ?? ""), expected))
        return { status: 401, error: "calling needs the token of the link in this host's log" };
      // After the token: who has none may not use up what others have.
      if (isTooMany()) return { status: 429, error: `${MOST_PER_SECOND} calls a second at most` };
      if (inside >= MOST_AT_ONCE) return { status: 429, error: `${MOST_AT_ONCE} calls at once at most` };
      inside++;
      return undefined;
    },
    leave() {
      inside--;
    },
  };
}

/** True if a browser says that a page of another origin asks. Other programs say nothing, and need the token all the same. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  return origin !== undefined && hostOf(origin) !== host?.toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
