/** What `zmqecho replay` tells of one request, and of all of them. */
import type { ZmqEchoError } from "../errors.ts";
import { printable, printableLine } from "../printable.ts";
import type { Difference } from "../recording/difference.ts";
import type { Entry, FailedCall } from "../recording/format.ts";
import type { Said } from "../recording/said.ts";
import { jsonText, rawBodyText } from "../show.ts";
import { numbered } from "../wording.ts";

/** What became of one request. */
export type Result =
  | { readonly kind: "equal" }
  | { readonly kind: "differs"; readonly differences: readonly Difference[] }
  /** It had failed when it was kept, and does not any more. */
  | { readonly kind: "answered"; readonly is: Said }
  | { readonly kind: "failed"; readonly error: ZmqEchoError };

export type Counts = Readonly<Record<Result["kind"] | "requests" | "unanswered", number>>;

export type Form = "pretty" | "json";

/** A body is compared as its value; an error without what is new in each. */
export function comparable(said: Said): unknown {
  switch (said.kind) {
    case "body":
      return said.value;
    case "error": {
      const { requestId: _, ...details } = said.details;
      return { error: said.code, message: said.message, details };
    }
    case "unreadable":
      return said.frames;
    case "verb":
      return said.verb;
  }
}

/** None for a reply that is equal. */
export function linesOf(entry: Entry, result: Result, form: Form): string[] {
  if (entry.failed !== undefined)
    return [form === "json" ? againJson(entry, entry.failed, result) : againText(entry, entry.failed, result)];
  const { number, atMs } = entry;
  switch (result.kind) {
    case "equal":
    case "answered":
      return [];
    case "failed": {
      const { code, message, details } = result.error;
      if (form === "json") return [JSON.stringify({ n: number, atMs, failed: { code, message, details } })];
      return [printableLine(`#${number}: failed: ${code}: ${message}`)];
    }
    case "differs":
      if (form === "json") return [differencesJson(entry, result.differences)];
      return result.differences.map(({ path, was, is }) => {
        return printableLine(`#${number}: ${path}: was ${text(was)}, is ${text(is)}`);
      });
  }
}

/** @param ofFailed the recording is of requests that had failed */
export function summaryLine(counts: Counts, ofFailed: boolean, form: Form): string {
  const { answered, ...compared } = counts;
  if (form === "json") return JSON.stringify({ summary: ofFailed ? counts : compared });
  const { requests, equal, differs, failed, unanswered } = counts;
  if (ofFailed) return `${numbered(requests, "request")} that had failed: ${answered} answered now, ${failed} failed`;
  const rest = unanswered === 0 ? "" : `, ${unanswered} without a recorded reply not sent`;
  return `${numbered(requests, "request")}: ${equal} equal, ${differs} different, ${failed} failed${rest}`;
}

function differencesJson({ number, atMs }: Entry, all: readonly Difference[]): string {
  const found = all.map(({ path, was, is }) => {
    const member = (name: string, value: unknown) =>
      value === undefined ? "" : `,"${name}":${jsonText(value as never)}`;
    return `{"path":${JSON.stringify(path)}${member("was", was)}${member("is", is)}}`;
  });
  return `{"n":${number},"atMs":${atMs},"differences":[${found.join(",")}]}`;
}

/** A request that had failed is told of whatever becomes of it: that is what it is sent again for. */
function againText({ number }: Entry, was: FailedCall, result: Result): string {
  const head = `#${number} ${was.handler}`;
  if (result.kind === "answered")
    return printableLine(`${head}: was ${was.code}: ${was.message}; is ${text(comparable(result.is))}`);
  if (result.kind !== "failed") return head;
  const { code, message, details } = result.error;
  const how = code === was.code ? "still" : `was ${was.code}, failed:`;
  // By the new id the host's log can be searched.
  return printableLine(`${head}: ${how} ${code}: ${message} ${JSON.stringify(details)}`);
}

function againJson({ number, atMs }: Entry, { handler, code, message }: FailedCall, result: Result): string {
  const head = JSON.stringify({ n: number, atMs, handler, was: { code, message } });
  if (result.kind === "answered") return `${head.slice(0, -1)},"is":${jsonText(comparable(result.is) as never)}}`;
  if (result.kind !== "failed") return head;
  const { error } = result;
  const failed = { code: error.code, message: error.message, details: error.details };
  return `${head.slice(0, -1)},"failed":${JSON.stringify(failed)}}`;
}

const LONGEST_SHOWN = 200;

function text(value: unknown): string {
  if (value === undefined) return "not there";
  const shown = value instanceof Uint8Array ? rawBodyText([value]) : printable(jsonText(value as never));
  return shown.length <= LONGEST_SHOWN ? shown : `${shown.slice(0, LONGEST_SHOWN)}…`;
}
