/** Requests as they end. */
import { useState } from "preact/hooks";
import type { Excerpt, TailEntry } from "../src/wire/page.ts";
import { CodeName } from "./code-name.tsx";
import { bytesText, clockText, countText, msText } from "./format.ts";
import type { Live } from "./live.ts";

interface Held {
  readonly tail: readonly TailEntry[];
  readonly unshown: number;
}

export function RequestsView({ live }: { readonly live: Live }) {
  const [held, setHeld] = useState<Held>();
  const [onlyFailures, setOnlyFailures] = useState(false);
  const [search, setSearch] = useState("");
  const { tail, unshown } = held ?? live;
  const entries = tail.filter((entry) => (!onlyFailures || entry.code !== "ok") && isMatch(entry, search));
  const hasPayloads = live.setup?.payloads === true;
  return (
    <>
      <div class="controls">
        <label class="check">
          <input
            type="checkbox"
            checked={held !== undefined}
            onChange={({ currentTarget }) => setHeld(currentTarget.checked ? live : undefined)}
          />{" "}
          Hold still
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyFailures}
            onChange={({ currentTarget }) => setOnlyFailures(currentTarget.checked)}
          />{" "}
          Failures only
        </label>
        <label class="inline">
          Filter{" "}
          <input
            type="search"
            value={search}
            placeholder="name, code or id"
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </label>
      </div>
      <p class="hint">
        Of each second some 40 requests are shown, failures first
        {unshown > 0 && (
          <>
            ; <b id="unshown">{countText(unshown)}</b> more ended since this page was opened
          </>
        )}
        . {hasPayloads ? "" : "What is in them is not shown: http.payloads of the configuration is false."}
      </p>
      {entries.length === 0 ? (
        <p class="empty">
          {tail.length === 0 ? "No request has ended since this page was opened." : "None of those that ended fits."}
        </p>
      ) : (
        <table class="numbers requests">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col" class="text">
                Handler
              </th>
              <th scope="col" class="text wide">
                Endpoint
              </th>
              <th scope="col" class="text">
                Code
              </th>
              <th scope="col">Latency</th>
              <th scope="col" class="wide">
                Waited
              </th>
              <th scope="col" class="wide">
                Request
              </th>
              <th scope="col" class="wide">
                Reply
              </th>
              <th scope="col" class="text wide">
                Id
              </th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Request key={`${entry.at} ${entry.id}`} entry={entry} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Request({ entry }: { readonly entry: TailEntry }) {
  const { at, endpoint, handler, codec, transport, code, ms, waitedMs, received, sent, requestId } = entry;
  const isOk = code === "ok";
  const lines: readonly [string, Excerpt | undefined][] = [
    ["→", entry.request],
    ["←", entry.reply ?? (entry.message === undefined ? undefined : { form: "text", text: entry.message, cut: false })],
  ];
  return (
    <>
      <tr>
        <td>{clockText(at)}</td>
        <td class="text">
          {handler ?? "–"}
          {codec !== undefined && <small> {codec}</small>}
          {transport === "http" && <small class="tag">from a page</small>}
        </td>
        <td class="text wide">{endpoint}</td>
        <td class="text">
          <CodeName code={code} />
        </td>
        <td>{msText(ms)}</td>
        <td class="wide">{waitedMs === 0 ? "–" : msText(waitedMs)}</td>
        <td class="wide">{bytesText(received)}</td>
        <td class="wide">{isOk ? bytesText(sent) : "–"}</td>
        <td class="text wide id">{requestId ?? "–"}</td>
      </tr>
      {(entry.request !== undefined || entry.message !== undefined) && (
        <tr class="payload">
          <td />
          <td colSpan={8} class="text">
            {lines.map(
              ([arrow, excerpt]) =>
                excerpt !== undefined && (
                  <div key={arrow}>
                    <span class="arrow">{arrow}</span>
                    <code>
                      {excerpt.text === "" ? "(empty)" : excerpt.text}
                      {excerpt.cut && "…"}
                    </code>
                    {excerpt.form === "hex" && <small> hex</small>}
                  </div>
                ),
            )}
          </td>
        </tr>
      )}
    </>
  );
}

function isMatch({ endpoint, handler = "", code, requestId = "" }: TailEntry, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return wanted === "" || [endpoint, handler, code, requestId].some((text) => text.toLowerCase().includes(wanted));
}
