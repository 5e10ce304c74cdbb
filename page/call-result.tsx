/** What came of a call: its value or its error, how long it took, and the frames both ways. */
import { useEffect, useRef } from "preact/hooks";
import type { FrameView, PageReply } from "../src/wire/page.ts";
import { CodeName } from "./code-name.tsx";
import { bytesText, msText } from "./format.ts";
import { Source } from "./handlers-view.tsx";

export type Result = PageReply | "under way" | { readonly refusal: string } | undefined;

export function CallResult({ result }: { readonly result: Result }) {
  const place = useRef<HTMLElement>(null);
  // On a phone it is below the form.
  useEffect(() => {
    if (typeof result === "object") place.current?.scrollIntoView({ block: "nearest" });
  }, [result]);
  return (
    <section ref={place} class="card result" aria-labelledby="result">
      <h2 id="result">Result</h2>
      <div role="status">{summaryOf(result)}</div>
      {typeof result === "object" && "outcome" in result && <Reply reply={result} />}
    </section>
  );
}

function summaryOf(result: Result) {
  if (result === undefined) return <p class="empty">What comes back is shown here.</p>;
  if (result === "under way") return <p class="empty">Under way…</p>;
  if ("refusal" in result) {
    return (
      <p class="problem">
        <b>Not sent.</b> {result.refusal}
      </p>
    );
  }
  const { outcome, ms } = result;
  return (
    <p class="summary">
      <CodeName code={outcome.code} /> after <b>{msText(ms)}</b>
    </p>
  );
}

function Reply({ reply: { outcome, sent, received } }: { readonly reply: PageReply }) {
  return (
    <>
      {"value" in outcome ? (
        <>
          <Source name="Value" text={outcome.value} />
          <p class="hint">
            {outcome.form === "hex" && "Not UTF-8, so it is in hex. "}
            {outcome.cut && "There is more of it; zmqecho send shows all."}
          </p>
        </>
      ) : (
        <>
          <p class="problem">{outcome.message}</p>
          {Object.keys(outcome.details).length > 0 && (
            <Source name="Details" text={JSON.stringify(outcome.details, null, 2)} />
          )}
        </>
      )}
      <Frames name="Request" frames={sent} />
      <Frames name="Reply" frames={received} />
    </>
  );
}

function Frames({ name, frames }: { readonly name: string; readonly frames: readonly FrameView[] }) {
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes, 0);
  return (
    <details class="frames">
      <summary>
        {name}: {frames.length} {frames.length === 1 ? "frame" : "frames"}, {bytesText(bytes)}
      </summary>
      <ol>
        {frames.map((frame, index) => (
          <li key={`${index} ${frame.dump}`}>
            <span class="hint">
              {index + 1} · {bytesText(frame.bytes)}
            </span>
            {/* Offsets have eight digits, and what is shown needs four. */}
            {frame.bytes > 0 && (
              <Source name={`${name}, frame ${index + 1}`} text={frame.dump.replace(/^0000/gm, "")} />
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}
