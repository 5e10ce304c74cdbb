/** What a host has last said in its log, for whoever looks at it later: a few lines, without fields that hold more than names. */
import type { Log, LogMethod } from "./handler.ts";
import type { NewsLine } from "./wire/page.ts";
import { shorten } from "./wording.ts";

export interface News {
  /** Writes to the log it was made of, and keeps lines of `info` and above. Its children keep nothing: they are handlers'. */
  readonly log: Log;
  /** Lines with a larger id, the oldest first; 0 for all that are kept. */
  after(id: number): readonly NewsLine[];
}

const MOST_LINES = 100;
const LONGEST_TEXT = 400;

export function createNews(log: Log): News {
  const lines: NewsLine[] = [];
  let lastId = 0;

  function keep(level: NewsLine["level"], first: string | object, message: string | undefined): void {
    const [fields, whole] = typeof first === "string" ? [{}, first] : [first, message ?? ""];
    const text = shorten(whole, LONGEST_TEXT);
    // Whatever happens a hundred times must not push out all else.
    const place = lines.findIndex((line) => line.text === text && line.level === level);
    const [before] = place < 0 ? [] : lines.splice(place, 1);
    if (lines.length === MOST_LINES) lines.shift();
    const endpoint = "endpoint" in fields && typeof fields.endpoint === "string" ? fields.endpoint : undefined;
    const times = (before?.times ?? 0) + 1;
    lines.push({ id: ++lastId, at: Date.now(), level, text, times, ...(endpoint !== undefined && { endpoint }) });
  }

  function kept(level: NewsLine["level"]): LogMethod {
    return (first: string | object, message?: string) => {
      keep(level, first, message);
      if (typeof first === "string") log[level](first);
      else log[level](first, message);
    };
  }

  return {
    log: {
      debug: (first: string | object, message?: string) =>
        typeof first === "string" ? log.debug(first) : log.debug(first, message),
      info: kept("info"),
      warn: kept("warn"),
      error: kept("error"),
      child: (fields) => log.child(fields),
    },
    after: (id) => lines.filter((line) => line.id > id),
  };
}
