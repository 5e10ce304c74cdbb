/** What the core itself has to say to a caller. */
import { ZmqEchoError } from "../errors.ts";
import { shorten } from "../wording.ts";
import type { RunningCall } from "./running-call.ts";

/** When a refused caller may come back, as a hint: calls end often, hosts come back slowly. */
const RETRY_WHEN_FULL_MS = 100;
const RETRY_WHEN_DRAINING_MS = 1000;

export function noHandler(name: string): ZmqEchoError {
  return new ZmqEchoError("not_found", `no handler ${quoted(name)} is served here`);
}

export function broken(name: string): ZmqEchoError {
  return new ZmqEchoError("unavailable", `handler ${quoted(name)} does not load; the host's log has the cause`);
}

export function noCodec(name: string): ZmqEchoError {
  return new ZmqEchoError("unimplemented", `codec ${quoted(name)} is not served here`);
}

export function draining(why: string): ZmqEchoError {
  return new ZmqEchoError("unavailable", why, { details: { retryAfterMs: RETRY_WHEN_DRAINING_MS } });
}

export function full(running: number, waiting: number): ZmqEchoError {
  const details = { retryAfterMs: RETRY_WHEN_FULL_MS };
  return new ZmqEchoError("resource_exhausted", `${running} calls run and ${waiting} wait; no more are taken`, {
    details,
  });
}

/** For one that has sent more in batches than its turns have come for. */
export function tooManyOfPeer(waiting: number): ZmqEchoError {
  const text = `${waiting} calls of this peer wait for their turn; no more are taken`;
  return new ZmqEchoError("resource_exhausted", text, { details: { retryAfterMs: RETRY_WHEN_FULL_MS } });
}

export function tooLate(job: RunningCall, doing: "it waited" | "it ran"): ZmqEchoError {
  const given = Math.round(job.expiresAt - job.call.receivedAt);
  return new ZmqEchoError("deadline_exceeded", `handler ${quoted(job.handler)} had ${given} ms, and ${doing} longer`);
}

function quoted(name: string): string {
  return JSON.stringify(shorten(name));
}
