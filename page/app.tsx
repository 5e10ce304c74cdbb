/** What is around all views: the name, how the host is, and the way from one view to another. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CallView } from "./call-view.tsx";
import { ConfigView } from "./config-view.tsx";
import { uptimeText } from "./format.ts";
import { HandlersView } from "./handlers-view.tsx";
import type { Live } from "./live.ts";
import { Overview } from "./overview.tsx";
import { RequestsView } from "./requests-view.tsx";

interface View {
  readonly id: string;
  readonly title: string;
  /** Where there is little room for the title. */
  readonly short?: string;
  readonly Shown: ComponentType<{ readonly live: Live }>;
  /** It is there while another is looked at, with what was typed into it. */
  readonly stays?: boolean;
}

const OVERVIEW: View = { id: "overview", title: "Overview", Shown: Overview };
const VIEWS: readonly View[] = [
  OVERVIEW,
  { id: "requests", title: "Requests", Shown: RequestsView },
  { id: "call", title: "Call", Shown: CallView, stays: true },
  { id: "handlers", title: "Handlers", Shown: HandlersView },
  { id: "config", title: "Configuration", short: "Config", Shown: ConfigView },
];

export function App({ live }: { readonly live: Live }) {
  const { id, title } = useView();
  useEffect(() => {
    document.title = `${title} · zmqecho`;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <div class="bar">
          <p class="brand">
            <img src="/icon.svg" alt="" width="24" height="24" />
            zmqecho
          </p>
          <nav aria-label="Views">
            {VIEWS.map((view) => (
              <a key={view.id} href={`#${view.id}`} aria-current={view.id === id ? "page" : undefined}>
                {view.short ?? view.title}
              </a>
            ))}
          </nav>
          <Status live={live} />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Troubles live={live} />
        <h1>{title}</h1>
        {VIEWS.filter((view) => view.id === id || view.stays).map((view) => (
          <div key={view.id} class="view" hidden={view.id !== id}>
            <view.Shown live={live} />
          </div>
        ))}
      </main>
    </>
  );
}

function Status({ live: { connection, tick } }: { readonly live: Live }) {
  const text = { waiting: "Connecting…", live: "Live", lost: "Not connected" }[connection];
  return (
    <p class="status">
      <span class={`pill ${connection}`} role="status">
        {text}
      </span>
      {connection === "live" && tick !== undefined && <span class="uptime">up {uptimeText(tick.stats.uptimeMs)}</span>}
    </p>
  );
}

function Troubles({ live: { connection, tick, restarts } }: { readonly live: Live }) {
  return (
    <>
      {connection === "lost" && (
        <p class="notice bad">
          The host does not answer. What is below is the last that it told; the page connects again by itself.
        </p>
      )}
      {connection === "live" && tick !== undefined && tick.lacks.length > 0 && (
        <div class="notice bad">
          <strong>Not ready</strong>
          <ul>
            {tick.lacks.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {restarts > 0 && connection === "live" && (
        <p class="notice">
          The host was restarted {restarts === 1 ? "" : `${restarts} times `}while this page was open: its counts began
          anew, and so did the plots.
        </p>
      )}
    </>
  );
}

/** The view that the address names. */
function useView(): View {
  const [id, setId] = useState(() => location.hash.slice(1));
  useEffect(() => {
    const follow = () => {
      setId(location.hash.slice(1));
      window.scrollTo(0, 0);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return VIEWS.find((view) => view.id === id) ?? OVERVIEW;
}
