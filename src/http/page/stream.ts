/** Server-sent events for whoever has the page open: what a host does, each second. With nobody there nothing runs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { NewsLine, PageHello, PageTick } from "../../wire/page.ts";
import type { HostView } from "../host-view.ts";
import { reply } from "../listener.ts";
import { PAGE_HEADERS } from "./files.ts";
import type { Tail } from "./tail.ts";

export interface Streams {
  /** Goes on until the page leaves. */
  open(request: IncomingMessage, response: ServerResponse): void;
}

export const MOST_STREAMS = 8;
const TICK_MS = 1000;
/** A page that has taken nothing for so many ticks loses its place. */
const MOST_SKIPPED = 30;

interface Stream {
  readonly response: ServerResponse;
  /** Ticks in a row that it was not ready for. */
  skipped: number;
}

/** @param run names this run of the host */
export function createStreams(run: string, host: HostView, tail: Tail): Streams {
  const streams = new Set<Stream>();
  let timer: NodeJS.Timeout | undefined;
  let lastNews: number;

  function begin(): void {
    if (timer !== undefined) return;
    tail.watch(true);
    lastNews = lastIdOf(host.news(0), 0);
    timer = setInterval(tick, TICK_MS).unref();
  }

  function end(): void {
    clearInterval(timer);
    timer = undefined;
    tail.watch(false);
  }

  /** One text for all of them. */
  function tick(): void {
    const news = host.news(lastNews);
    lastNews = lastIdOf(news, lastNews);
    const text = eventText("tick", { ...state(), news, ...tail.take() });
    for (const stream of streams) send(stream, text);
  }

  function state(): Pick<PageTick, "stats" | "lacks"> {
    return { stats: host.introspection.stats(), lacks: host.lacks() };
  }

  function hello(): string {
    return (
      eventText("hello", { run, news: host.news(0) } satisfies PageHello) +
      eventText("tick", { ...state(), news: [], tail: [], unshown: 0 })
    );
  }

  /** What a page does not take is not kept for it: it misses that, and is told all news again. */
  function send(stream: Stream, text: string): void {
    const { response } = stream;
    if (response.writableLength > 0) {
      if (++stream.skipped > MOST_SKIPPED) response.destroy();
      return;
    }
    response.write(stream.skipped > 0 ? hello() : text);
    stream.skipped = 0;
  }

  return {
    open(request, response) {
      if (request.method === "HEAD") return reply(response, 200, "");
      if (streams.size >= MOST_STREAMS) {
        return reply(response, 503, `${MOST_STREAMS} pages are open already; close one\n`);
      }
      const stream: Stream = { response, skipped: 0 };
      // A proxy must not gather what is to arrive at once; nginx and others that heed this header don't.
      const headers = { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" };
      response.writeHead(200, { ...PAGE_HEADERS, ...headers });
      response.write(`retry: ${TICK_MS}\n\n${hello()}`);
      streams.add(stream);
      begin();
      response.once("close", () => {
        streams.delete(stream);
        if (streams.size === 0) end();
      });
    },
  };
}

function eventText(name: "hello" | "tick", data: PageHello | PageTick): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function lastIdOf(news: readonly NewsLine[], before: number): number {
  return news.at(-1)?.id ?? before;
}
