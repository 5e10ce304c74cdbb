/** Which exchanges `tap` shows and records, and how; decoded only if somebody looks. */
import type { Body } from "../codecs/codec.ts";
import { rounded } from "../recording/format.ts";
import type { Reader, Said } from "../recording/said.ts";
import type { Content, Exchange } from "../tap/exchanges.ts";
import { arrowLine, saidJson, saidText } from "./said.ts";

export interface ViewOptions {
  readonly reader: Reader;
  readonly output: "pretty" | "json";
  readonly quiet: boolean;
  /** Only those whose request or reply has this in its text. */
  readonly filter?: string | undefined;
  /** `performance.now()` at the start. */
  readonly startedAt: number;
  readonly print: (line: string) => void;
  readonly record: (exchange: Exchange) => void;
}

export interface View {
  request(exchange: Exchange): void;
  /** Its reply has come, or never will. */
  end(exchange: Exchange): void;
}

export function createView({ reader, output, quiet, filter, startedAt, print, record }: ViewOptions): View {
  const isPretty = output === "pretty" && !quiet;
  /** Requests that passed the filter, and whose line is printed. */
  const shown = new WeakSet<Exchange>();

  function showRequest(exchange: Exchange, text: string): void {
    shown.add(exchange);
    print(arrowLine("->", exchange.number, text));
  }

  function json({ number, at, request, reply, latencyMs }: Exchange): string {
    const facts = JSON.stringify({ n: number, atMs: rounded(at - startedAt) });
    const replied =
      reply === undefined ? "" : `,"reply":${jsonOf(reply, reader.reply)},"latencyMs":${rounded(latencyMs ?? 0)}`;
    return `${facts.slice(0, -1)},"request":${jsonOf(request, reader.request)}${replied}}`;
  }

  const textOfRequest = ({ request }: Exchange) => textOf(request, reader.request);

  return {
    request(exchange) {
      if (!isPretty) return;
      const text = textOfRequest(exchange);
      if (filter === undefined || text.includes(filter)) showRequest(exchange, text);
    },
    end(exchange) {
      const { number, reply, latencyMs, calls = [exchange] } = exchange;
      const wantsReply = reply !== undefined && (isPretty || filter !== undefined);
      const replied = wantsReply ? textOf(reply, reader.reply) : undefined;
      if (filter !== undefined && !calls.some((call) => shown.has(call))) {
        const asked = calls.map((call) => ({ call, text: textOfRequest(call) }));
        if (!asked.some(({ text }) => text.includes(filter)) && !replied?.includes(filter)) return;
        if (isPretty) for (const { call, text } of asked) showRequest(call, text);
      }
      record(exchange);
      if (!isPretty) {
        if (!quiet) print(json(exchange));
      } else if (replied === undefined) print(`<- #${number} (no reply)`);
      else print(arrowLine("<-", number, toAllOf(exchange) + replied, latencyMs));
    },
  };
}

/** Of a reply to a batch as a whole, whose calls have been shown one by one. */
function toAllOf({ number, calls = [] }: Exchange): string {
  return calls.length > 1 ? `(to all of #${number} to #${calls.at(-1)?.number}) ` : "";
}

function textOf({ body, bytes }: Content, read: (body: Body) => Said): string {
  return body === undefined ? `(${bytes} bytes, too large to show)` : saidText(read(body));
}

function jsonOf({ body, bytes }: Content, read: (body: Body) => Said): string {
  return body === undefined ? JSON.stringify({ bytes }) : saidJson(read(body));
}
