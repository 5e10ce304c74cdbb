/** The host's own log. */
import type { NewsLine } from "../src/wire/page.ts";
import { clockText, countText } from "./format.ts";

export function News({ news }: { readonly news: readonly NewsLine[] }) {
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
