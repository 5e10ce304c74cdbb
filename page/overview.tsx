/** What the host does now, and did in the last minutes. */
import { useMemo, useState } from "preact/hooks";
import type { EndpointStats, HandlerStats } from "../src/wire/introspection.ts";
import { Errors } from "./errors.tsx";
import { countText, msText, rateText } from "./format.ts";
import { ALL, endpointSubject, type History, handlerSubject, sumOf } from "./history.ts";
import type { Live } from "./live.ts";
import { News } from "./news.tsx";
import { type Line, Plot } from "./plot.tsx";
import { Tiles } from "./tiles.tsx";
import { TrafficTable } from "./traffic-table.tsx";

export function Overview({ live }: { readonly live: Live }) {
  const [subject, setSubject] = useState(ALL);
  const { tick, setup, history, news } = live;
  if (tick === undefined) return <p class="empty">Waiting for the first numbers…</p>;
  const { stats } = tick;
  const chosen = [
    ...Object.entries(stats.endpoints).map(([name, { codes }]) => ({ name, codes, subject: endpointSubject(name) })),
    ...Object.entries(stats.handlers).map(([name, { codes }]) => ({ name, codes, subject: handlerSubject(name) })),
  ].find((each) => each.subject === subject);
  const shown = chosen?.subject ?? ALL;
  return (
    <>
      <Tiles stats={stats} history={history} />
      <section aria-labelledby="traffic">
        <div class="head">
          <h2 id="traffic">Traffic</h2>
          <label class="inline">
            of{" "}
            <select
              aria-label="Traffic of"
              value={shown}
              onChange={({ currentTarget }) => setSubject(currentTarget.value)}
            >
              <option value={ALL}>all endpoints</option>
              <optgroup label="Endpoint">
                {Object.keys(stats.endpoints).map((name) => (
                  <option key={name} value={endpointSubject(name)}>
                    {name}
                  </option>
                ))}
              </optgroup>
              <optgroup label="Handler">
                {Object.keys(stats.handlers)
                  .sort()
                  .map((name) => (
                    <option key={name} value={handlerSubject(name)}>
                      {name}
                    </option>
                  ))}
              </optgroup>
            </select>
          </label>
        </div>
        <Plots history={history} subject={shown} at={stats.uptimeMs} />
      </section>
      <section aria-labelledby="endpoints">
        <h2 id="endpoints">Endpoints</h2>
        <TrafficTable
          kind="Endpoint"
          rows={Object.entries(stats.endpoints).map(([name, counts]) => ({
            name,
            subject: endpointSubject(name),
            more: moreOfEndpoint(counts),
          }))}
          more={["In flight", "Queued", "Refused", "Dropped"]}
          {...{ history, shown, setSubject }}
        />
      </section>
      <div class="pair">
        <Errors codes={chosen?.codes ?? sumOf(Object.values(stats.endpoints)).codes} of={chosen?.name} />
        <News news={news} />
      </div>
      <section aria-labelledby="handlers">
        <h2 id="handlers">Handlers</h2>
        <TrafficTable
          kind="Handler"
          rows={sorted(Object.entries(stats.handlers)).map(([name, counts]) => ({
            name,
            subject: handlerSubject(name),
            more: moreOfHandler(counts, setup?.handlers.find((handler) => handler.name === name)?.state),
          }))}
          more={["In flight", "Workers", "Lost", "State"]}
          {...{ history, shown, setSubject }}
        />
      </section>
    </>
  );
}

function Plots({ history, subject, at }: { readonly history: History; readonly subject: string; readonly at: number }) {
  const { times, rates, latencies } = useMemo(() => {
    const points = history.points(subject);
    const rates: Line[] = [
      { label: "ok", color: "accent", values: points.map(({ ok }) => ok), filled: true },
      { label: "failed", color: "bad", values: points.map(({ failed }) => failed) },
    ];
    const latencies: Line[] = [
      { label: "p50", color: "accent", values: points.map(({ p50 }) => p50 ?? null) },
      { label: "p99", color: "warm", values: points.map(({ p99 }) => p99 ?? null) },
    ];
    return { times: points.map((point) => point.at), rates, latencies };
  }, [history, subject, at]);
  return (
    <div class="pair plots">
      <Plot title="Requests a second" times={times} lines={rates} say={rateText} />
      <Plot title="Latency" times={times} lines={latencies} isLogarithmic say={msText} />
    </div>
  );
}

function sorted<Value>(entries: readonly [string, Value][]): [string, Value][] {
  return [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
}

function moreOfEndpoint({ inFlight, queued, refused, droppedReplies }: EndpointStats): string[] {
  return [inFlight, queued, refused, droppedReplies].map(countText);
}

function moreOfHandler({ inFlight, workers }: HandlerStats, state = "–"): string[] {
  const ofWorkers = workers === undefined ? ["–", "–"] : [countText(workers.live), countText(workers.lost)];
  return [countText(inFlight), ...ofWorkers, state];
}
