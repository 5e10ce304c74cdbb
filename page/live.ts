/** What the host tells, as it comes: over one stream that opens itself again whenever it ends. */
import {
  type NewsLine,
  PAGE_PATHS,
  type PageHello,
  type PageSetup,
  type PageTick,
  type TailEntry,
} from "../src/wire/page.ts";
import { createHistory, type History } from "./history.ts";

export interface Live {
  /** `waiting`: for the first word. */
  readonly connection: "waiting" | "live" | "lost";
  /** The last that was told; what is shown stays while the connection is lost. */
  readonly tick: PageTick | undefined;
  readonly setup: PageSetup | undefined;
  readonly history: History;
  /** The newest first, as is the tail. */
  readonly news: readonly NewsLine[];
  readonly tail: readonly TailEntry[];
  /** How many requests were not shown so far. */
  readonly unshown: number;
  /** How often the host began anew while the page was open. */
  readonly restarts: number;
}

const MOST_NEWS = 100;
const MOST_TAIL = 200;
/** A host that says nothing for so long is not there, whatever the connection looks like. */
const SILENCE_MS = 5000;
const RETRY_MS = 2000;

/** Calls `tell` with each change, for as long as the page is open. */
export function followHost(tell: (live: Live) => void): void {
  const history = createHistory();
  let live: Live = {
    connection: "waiting",
    tick: undefined,
    setup: undefined,
    history,
    news: [],
    tail: [],
    unshown: 0,
    restarts: 0,
  };
  let run: string | undefined;
  let reloads = "";
  let silence: ReturnType<typeof setTimeout> | undefined;

  function change(changes: Partial<Live>): void {
    live = { ...live, ...changes };
    tell(live);
  }

  function open(): void {
    const source = new EventSource(PAGE_PATHS.events);
    const listenAgain = () => {
      source.close();
      setTimeout(open, RETRY_MS);
    };
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        change({ connection: "lost" });
        listenAgain();
      }, SILENCE_MS);
    };
    source.addEventListener("hello", ({ data }) => {
      heard();
      greet(JSON.parse(data));
    });
    source.addEventListener("tick", ({ data }) => {
      heard();
      take(JSON.parse(data));
    });
    source.addEventListener("error", () => {
      clearTimeout(silence);
      change({ connection: "lost" });
      // Refused, it would not try again by itself.
      if (source.readyState === EventSource.CLOSED) listenAgain();
    });
  }

  function greet({ run: told, news }: PageHello): void {
    const isOther = run !== undefined && run !== told;
    if (isOther) history.clear();
    run = told;
    reloads = "";
    change({ news: news.toReversed(), restarts: live.restarts + (isOther ? 1 : 0) });
  }

  function take(tick: PageTick): void {
    history.add(tick.stats, Date.now());
    change({
      connection: "live",
      tick,
      news: withNews(live.news, tick.news),
      tail: [...tick.tail.toReversed(), ...live.tail].slice(0, MOST_TAIL),
      unshown: live.unshown + tick.unshown,
    });
    const { done, failed } = tick.stats.reloads;
    const now = `${done} ${failed}`;
    if (now === reloads) return;
    reloads = now;
    askSetup().catch(() => {
      // Asked again at the next tick.
      reloads = "";
    });
  }

  async function askSetup(): Promise<void> {
    const response = await fetch(PAGE_PATHS.setup);
    if (!response.ok) throw new Error(response.statusText);
    change({ setup: (await response.json()) as PageSetup });
  }

  open();
}

/** A line that was said again is in one place only. */
function withNews(known: readonly NewsLine[], fresh: readonly NewsLine[]): readonly NewsLine[] {
  if (fresh.length === 0) return known;
  const others = known.filter((line) => !fresh.some(({ level, text }) => level === line.level && text === line.text));
  return [...fresh.toReversed(), ...others].slice(0, MOST_NEWS);
}
