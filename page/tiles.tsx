/** The numbers of this moment, of all endpoints together. */
import type { EndpointStats, HostStats } from "../src/wire/introspection.ts";
import { countText, msText, rateText } from "./format.ts";
import { ALL, type History } from "./history.ts";

export function Tiles({ stats, history }: { readonly stats: HostStats; readonly history: History }) {
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
