/** Whether a reply is one that its request can have. */
import type { Asked } from "./ledger.ts";
import type { Reply } from "./replies.ts";
import type { Floor } from "./served.ts";

type Call = NonNullable<Asked["call"]>;

/** Clocks of two processes, and timers that fire a fraction of a millisecond early. */
const SLACK_MS = 2;

/** What is wrong with it, as the end of a sentence; undefined if nothing is. */
export function faultOf(request: Asked, reply: Reply, now: number): string | undefined {
  const wrong = reply.code === "ok" ? undefined : faultOfDetails(request, reply.details);
  if (wrong !== undefined) return wrong;
  const { call, ends } = request;
  const isOwn = ends.includes(reply.code) && isServed(request, now) && isItsOwn(request, reply);
  if (isOwn) return reply.code === "ok" && call !== undefined ? faultOfAnswer(request, call, reply.body) : undefined;
  const others = othersOf(request, now);
  if (others.includes(reply.code)) return undefined;
  const expected = new Set([...(isServed(request, now) ? ends : []), ...others]);
  return `may end with ${[...expected].join(" or ")}, and came back with ${reply.code}`;
}

function isServed({ call, sentAt }: Asked, now: number): boolean {
  return call === undefined || call.slot.presence.during(sentAt, now).has("served");
}

/** What a handler told its caller has the caller's number in it. */
function isItsOwn({ n, call }: Asked, reply: Reply): boolean {
  return reply.code === "ok" || call?.errand.act !== "throwsOurs" || reply.details.n === n;
}

function faultOfDetails({ requestId }: Asked, details: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof details.requestId !== "string") return "got an error without a request id";
  if (requestId === undefined || details.requestId === requestId) return undefined;
  return `got the error of request ${details.requestId}`;
}

/** What may come of it for reasons that are not its own. */
function othersOf({ endpoint, call, sentAt }: Asked, now: number): string[] {
  const codes: string[] = [];
  if (endpoint.state.during(sentAt, now).has("moving")) codes.push("unavailable");
  if (call === undefined) return codes;
  const { slot, timeoutMs } = call;
  if (!endpoint.isLockStep) codes.push("resource_exhausted");
  if (now - sentAt >= timeoutMs - SLACK_MS) codes.push("deadline_exceeded");
  const presence = slot.presence.during(sentAt, now);
  if (presence.has("missing")) codes.push("not_found");
  if (presence.has("broken")) codes.push("unavailable");
  if (slot.isStray && slot.isolation !== "inline") codes.push("internal");
  return codes;
}

/** Its number, its handler, its request id, its padding; and editions that may be served by now. */
function faultOfAnswer(
  { n, sentAt, requestId, endpoint }: Asked,
  { slot, errand, codec, floors }: Call,
  body: readonly Uint8Array[],
): string | undefined {
  let answer: Readonly<Record<string, unknown>>;
  let pad: unknown;
  try {
    [answer, pad] = answerFrom(codec.name, codec.decodeBody(body));
  } catch (error) {
    return `got an answer that can't be read (${String(error)})`;
  }
  if (answer.n !== n) return `got the answer to ${String(answer.n)}`;
  if (endpoint.name !== "mover" && answer.h !== slot.name) return `got the answer of handler ${String(answer.h)}`;
  if (requestId !== undefined && answer.r !== requestId) return `was called ${String(answer.r)} in its handler`;
  const padding = String.fromCharCode(97 + (n % 26)).repeat(errand.size);
  if (pad !== padding) return `got ${String(pad).length} characters of padding, or others, instead of ${errand.size}`;
  if (endpoint.name === "mover") return undefined;
  return faultOfEditions(answer, floors, sentAt);
}

function faultOfEditions(
  answer: Readonly<Record<string, unknown>>,
  floors: Readonly<Record<string, Floor>>,
  sentAt: number,
): string | undefined {
  for (const [name, floor] of Object.entries(floors)) {
    const fault = floor.editions.faultOf(answer[name], floor.at(sentAt));
    if (fault !== undefined) return `got an answer whose ${name} is ${fault}`;
  }
  return undefined;
}

/** Raw has the padding in a frame of its own. */
export function answerFrom(codec: string, value: unknown): [Readonly<Record<string, unknown>>, unknown] {
  if (codec !== "raw") {
    const answer = value as Readonly<Record<string, unknown>>;
    return [answer, answer.pad ?? ""];
  }
  const [head, pad = ""] = Array.isArray(value) ? value : [value];
  return [JSON.parse(Buffer.from(head as Uint8Array).toString()), Buffer.from(pad as Uint8Array).toString()];
}
