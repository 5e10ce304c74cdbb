/** How often which code was the outcome, since the start. */
import type { CallCounts } from "../src/counts.ts";
import { countText } from "./format.ts";

/** @param of what it is about; absent for all endpoints together */
export function Errors({ codes, of }: { readonly codes: CallCounts["codes"]; readonly of: string | undefined }) {
  const failures = Object.entries(codes)
    .filter(([code]) => code !== "ok")
    .sort(([, one], [, other]) => other - one);
  const most = failures[0]?.[1] ?? 1;
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Errors by code{of !== undefined && <small> of {of}</small>}</h2>
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
