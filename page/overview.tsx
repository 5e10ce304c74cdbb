/** What the host does now, and did in the last minutes. */
import { useMemo, useState } from "preact/hooks";
import type { EndpointStats, HandlerStats, HostStats } from "../src/wire/introspection.ts";
import type { NewsLine } from "../src/wire/page.ts";
import { clockText, countText, msText, rateText } from "./format.ts";
import { ALL, endpointSubject, type History, handlerSubject, sumOf } from "./history.ts";
import type { Live } from "./live.ts";
import { type Line, Plot } from "./plot.tsx";

export function Overview({ live }: { readonly live: Live }) {
  const [subject, setSubject] = useState(ALL);
  const { tick, setup, history, news } = live;
  if (tick === undefined) return <p class="empty">Waiting for the first numbers…</p>;
  const { stats } = tick;
  const isThere =
    subject === ALL ||
    Object.keys(stats.endpoints).some((name) => endpointSubject(name) === subject) ||
    Object.keys(stats.handlers).some((name) => handlerSubject(name) === subject);
  const shown = isThere ? subject : ALL;
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
        <Table
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
        <Errors stats={stats} />
        <News news={news} />
      </div>
      <section aria-labelledby="handlers">
        <h2 id="handlers">Handlers</h2>
        <Table
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

function Tiles({ stats, history }: { readonly stats: HostStats; readonly history: History }) {
  const now = history.now(ALL);
  const endpoints = Object.values(stats.endpoints);
  const total = (of: (each: EndpointStats) => number) => endpoints.reduce((sum, each) => sum + of(each), 0);
  const workers = Object.values(stats.handlers).flatMap((each) => each.workers ?? []);
  const lost = workers.reduce((sum, each) => sum + each.lost, 0);
  const refused = total((each) => each.refused);
  return (
    <dl class="tiles">
      <Tile id="rate" name="Requests / s" value={rateText(now.ok + now.failed)} />
      <Tile id="failing" name="Failed / s" value={rateText(now.failed)} isBad={now.failed > 0} />
      <Tile id="p50" name="p50" value={msText(now.p50)} />
      <Tile id="p99" name="p99" value={msText(now.p99)} />
      <Tile id="in-flight" name="In flight" value={countText(total((each) => each.inFlight))} />
      <Tile id="queued" name="Queued" value={countText(total((each) => each.queued))} />
      <Tile id="refused" name="Refused" value={countText(refused)} isBad={refused > 0} />
      <Tile
        id="workers"
        name="Workers"
        value={workers.length === 0 ? "–" : countText(workers.reduce((sum, each) => sum + each.live, 0))}
        note={lost > 0 ? `${countText(lost)} lost` : undefined}
        isBad={lost > 0}
      />
    </dl>
  );
}

interface TileProps {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly note?: string | undefined;
  readonly isBad?: boolean;
}

function Tile({ id, name, value, note, isBad = false }: TileProps) {
  return (
    <div class={isBad ? "tile bad" : "tile"}>
      <dt>{name}</dt>
      <dd id={`tile-${id}`}>
        {value}
        {note !== undefined && <small> {note}</small>}
      </dd>
    </div>
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

interface Row {
  readonly name: string;
  readonly subject: string;
  readonly more: readonly string[];
}

interface TableProps {
  readonly kind: string;
  readonly rows: readonly Row[];
  readonly more: readonly string[];
  readonly history: History;
  readonly shown: string;
  readonly setSubject: (subject: string) => void;
}

function Table({ kind, rows, more, history, shown, setSubject }: TableProps) {
  if (rows.length === 0) return <p class="empty">There is none.</p>;
  return (
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">{kind}</th>
          <th scope="col">Req / s</th>
          <th scope="col" class="wide">
            p50
          </th>
          <th scope="col">p99</th>
          <th scope="col" class="wide">
            Requests
          </th>
          <th scope="col">Failed</th>
          {more.map((name) => (
            <th key={name} scope="col" class="wide">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const now = history.now(row.subject);
          const isShown = row.subject === shown;
          return (
            <tr key={row.subject} class={isShown ? "shown" : undefined}>
              <th scope="row">
                <button
                  type="button"
                  class="link"
                  aria-pressed={isShown}
                  title="Show in the plots"
                  onClick={() => setSubject(isShown ? ALL : row.subject)}
                >
                  {row.name}
                </button>
              </th>
              <td>{rateText(now.ok + now.failed)}</td>
              <td class="wide">{msText(now.p50)}</td>
              <td>{msText(now.p99)}</td>
              <td class="wide">{countText(now.total)}</td>
              <td class={now.failures > 0 ? "bad" : undefined}>{countText(now.failures)}</td>
              {row.more.map((text, index) => (
                <td key={more[index]} class="wide">
                  {text}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function moreOfEndpoint({ inFlight, queued, refused, droppedReplies }: EndpointStats): string[] {
  return [inFlight, queued, refused, droppedReplies].map(countText);
}

function moreOfHandler({ inFlight, workers }: HandlerStats, state = "–"): string[] {
  const ofWorkers = workers === undefined ? ["–", "–"] : [countText(workers.live), countText(workers.lost)];
  return [countText(inFlight), ...ofWorkers, state];
}

function Errors({ stats }: { readonly stats: HostStats }) {
  const { codes } = sumOf(Object.values(stats.endpoints));
  const failures = Object.entries(codes)
    .filter(([code]) => code !== "ok")
    .sort(([, one], [, other]) => other - one);
  const most = failures[0]?.[1] ?? 1;
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Errors by code</h2>
      {failures.length === 0 ? (
        <p class="empty">None since the start.</p>
      ) : (
        <ul class="bars">
          {failures.map(([code, count]) => (
            <li key={code}>
              <span class="code">{code}</span>
              <meter min={0} max={most} value={count} aria-label={`${code}: ${count}`} />
              <span class="count">{countText(count)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function News({ news }: { readonly news: readonly NewsLine[] }) {
  return (
    <section aria-labelledby="news">
      <h2 id="news">The host's log</h2>
      {news.length === 0 ? (
        <p class="empty">Nothing was said yet.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has no other way to do that
        <section class="news" aria-label="Lines, the newest first" tabIndex={0}>
          <ul>
            {news.map(({ id, at, level, text, times, endpoint }) => (
              <li key={id} class={level}>
                <time>{clockText(at)}</time> {level !== "info" && <b>{level}</b>} <span>{text}</span>
                {times > 1 && <b class="times">× {countText(times)}</b>}
                {endpoint !== undefined && !text.includes(endpoint) && <small> {endpoint}</small>}
              </li>
            ))}
          </ul>
        </section>
      )}
    </section>
  );
}
