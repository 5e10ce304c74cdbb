/** What passed between others, as lines for people and as JSON. */
import { printable, printableLine } from "../printable.ts";
import { rounded } from "../recording/format.ts";
import type { Said } from "../recording/said.ts";
import { jsonText, rawBodyText, rawValue } from "../show.ts";

/** One line, whole. */
export function saidText(said: Said): string {
  switch (said.kind) {
    case "verb":
      return `(${said.verb})`;
    case "error": {
      const details = Object.keys(said.details).length === 0 ? "" : ` ${JSON.stringify(said.details)}`;
      return printableLine(`${said.code}: ${said.message}${details}`);
    }
    case "unreadable": {
      const hex = said.frames.map((frame) => Buffer.from(frame).toString("hex"));
      return printableLine(`${hex.join(" | ")} (${said.why})`);
    }
    case "body": {
      const text = said.takesBytes ? rawBodyText(said.body).replaceAll("\n", "\\n") : printable(jsonText(said.value));
      if (said.metadata === undefined) return text;
      return `${printableLine(`${said.handler ?? "ok"} (${said.codec})`)} ${text}`;
    }
  }
}

/** The members of a JSON object. */
export function saidJson(said: Said): string {
  switch (said.kind) {
    case "verb":
      return JSON.stringify({ verb: said.verb });
    case "error": {
      const { code, message, details } = said;
      return JSON.stringify({ code, message, details });
    }
    case "unreadable": {
      const hex = said.frames.map((frame) => Buffer.from(frame).toString("hex"));
      return JSON.stringify({ hex, error: said.why });
    }
    case "body": {
      const { handler, metadata, codec } = said;
      const head =
        metadata === undefined ? {} : { ...(handler === undefined ? { code: "ok" } : { handler }), codec, metadata };
      const { text, encoding } = said.takesBytes ? rawValue(said.body) : { text: jsonText(said.value) };
      const facts = JSON.stringify({ ...head, ...(encoding !== undefined && { encoding }) });
      return `${facts.slice(0, -1)}${facts === "{}" ? "" : ","}"value":${text}}`;
    }
  }
}

/** What a line shows of a text: it may have megabytes. */
const LONGEST_SHOWN = 2000;

export function arrowLine(arrow: "->" | "<-", number: number, text: string, latencyMs?: number): string {
  const shown = text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}… (${text.length} characters)`;
  return `${arrow} #${number} ${shown}${latencyMs === undefined ? "" : `  ${rounded(latencyMs)} ms`}`;
}
