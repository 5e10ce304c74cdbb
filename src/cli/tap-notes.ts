/** What `tap` tells on standard error besides errors: whether the target is there, what can't be read, the sums. */
import { rounded } from "../recording/format.ts";
import type { Latencies } from "../tap/latencies.ts";
import type { Unread } from "../tap/zmtp.ts";
import { numbered } from "../wording.ts";

export interface Counts {
  requests: number;
  replies: number;
  /** Replies that no request waited for. */
  strays: number;
  unanswered: number;
  bytes: number;
  /** Messages that were too large to keep. */
  large: number;
  /** Connections that could not be read, or not to their end. */
  unread: number;
}

export function noCounts(): Counts {
  return { requests: 0, replies: 0, strays: 0, unanswered: 0, bytes: 0, large: 0, unread: 0 };
}

/** @param lost lines that nobody read */
export function summary(counts: Counts, latencies: Latencies, lost: number): string {
  const { requests, replies, strays, unanswered, bytes, large, unread } = counts;
  const ms = (hundredths: number) => `p${hundredths} ${rounded(latencies.percentile(hundredths) ?? 0)} ms`;
  return [
    `${numbered(requests, "request")}, ${numbered(replies, "reply", "replies")}, ${unanswered} unanswered, ${bytes} bytes`,
    ...(replies > strays ? [`latency ${ms(50)}, ${ms(99)}`] : []),
    ...(strays > 0 ? [numbered(strays, "reply without a request", "replies without a request")] : []),
    ...(large > 0 ? [`${numbered(large, "message")} too large to show`] : []),
    ...(unread > 0 ? [`${numbered(unread, "connection")} not read`] : []),
    ...(lost > 0 ? [`${numbered(lost, "line")} not shown, since nobody read them`] : []),
  ].join(", ");
}

/** Codes of a place where nobody listens. */
const NOBODY: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOENT"]);

/** Says once that the target can't be reached, and once that it can again. */
export function createTargetNotes(
  address: string,
  say: (text: string) => void,
): (isThere: boolean, code: string) => void {
  let wasThere = true;
  return (isThere, code) => {
    if (isThere === wasThere) return;
    wasThere = isThere;
    if (isThere) {
      say(`${address} is there`);
      return;
    }
    const why = NOBODY.has(code) ? `nobody is at ${address}` : `${address} can't be reached (${code})`;
    say(`${why}; requests wait for it`);
  };
}

/** Says once of each reason that clients can't be taken for it. */
export function createFailureNotes(say: (text: string) => void): (error: Error) => void {
  const said = new Set<string>();
  return ({ message }) => {
    if (!said.has(message)) say(`no further clients can be taken: ${message}`);
    said.add(message);
  };
}

/** Says once of each reason why a connection is passed on unread. */
export function createUnreadNotes(say: (text: string) => void): (why: Unread) => void {
  const said = new Set<string>();
  return (why) => {
    const text = unreadText(why);
    if (said.has(text)) return;
    said.add(text);
    say(`${text}; such connections are passed on unread`);
  };
}

function unreadText(why: Unread): string {
  switch (why.kind) {
    case "hidden":
      return `${/^[A-Z]+$/.test(why.mechanism) ? why.mechanism : "an unknown mechanism"} hides what is said`;
    case "no-zeromq":
      return "something came in that is no ZeroMQ, or older than ZMTP 2.0";
    case "irregular":
      return `something came in that breaks the rules of ZMTP (${why.why})`;
  }
}
