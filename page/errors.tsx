/** How often which code was the outcome, since the start. */
import type { HostStats } from "../src/wire/introspection.ts";
import { countText } from "./format.ts";
import { sumOf } from "./history.ts";

export function Errors({ stats }: { readonly stats: HostStats }) {
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
