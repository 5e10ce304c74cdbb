/** What is to be called, and with what. */
import { useState } from "preact/hooks";
import type { PageCall, PageEndpoint, PageSetup } from "../src/wire/page.ts";
import { exampleOf } from "./example.ts";
import { useDescription } from "./handlers-view.tsx";

interface FormProps {
  readonly setup: PageSetup;
  readonly isAllowed: boolean;
  readonly isUnderWay: boolean;
  readonly onCall: (call: PageCall) => Promise<void>;
}

export function CallForm({ setup, isAllowed, isUnderWay, onCall }: FormProps) {
  const [wanted, setWanted] = useState({ endpoint: "", handler: "", codec: "" });
  const [written, setWritten] = useState({ subject: "", text: "" });
  const [isHex, setHex] = useState(false);
  const [metadata, setMetadata] = useState("");
  const [timeout, setTimeout] = useState("");

  const endpoint = setup.endpoints.find(({ name }) => name === wanted.endpoint) ?? setup.endpoints[0];
  const isByName = endpoint?.codec === undefined;
  const handlers = endpoint?.handlers ?? [];
  const handler = handlers.includes(wanted.handler) ? wanted.handler : (handlers[0] ?? "");
  const described = useDescription(setup.handlers.find(({ name }) => name === handler));
  const description = typeof described === "object" ? described : undefined;
  const codecs = codecsOf(endpoint, description?.codecs ?? setup.codecs);
  const codec =
    codecs.find((name) => name === wanted.codec) ?? codecs.find((name) => name === "json") ?? codecs[0] ?? "";
  const isRaw = isRawCodec(setup, codec);
  const example =
    description?.input === undefined || isRaw ? undefined : JSON.stringify(exampleOf(description.input), null, 2);
  // Another handler takes something else.
  const subject = `${handler} ${isRaw}`;
  const typed = written.subject === subject ? written.text : undefined;
  const body = typed ?? example ?? (isRaw ? "Hello world!" : '"Hello world!"');

  const pairs = pairsFrom(metadata);
  const problem = typeof pairs === "string" ? pairs : undefined;

  function submit(event: Event): void {
    event.preventDefault();
    if (!isAllowed || isUnderWay || endpoint === undefined || typeof pairs === "string") return;
    const all = { ...pairs, ...(timeout !== "" && { "timeout-ms": timeout }) };
    void onCall({
      endpoint: endpoint.name,
      handler,
      codec,
      body,
      ...(isRaw && { isHex }),
      ...(isByName && Object.keys(all).length > 0 && { metadata: all }),
    });
  }

  return (
    <form
      class="card"
      aria-label="Call"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
      }}
    >
      <div class="fields">
        <Choice
          label="Endpoint"
          value={endpoint?.name ?? ""}
          options={setup.endpoints.map(({ name }) => name)}
          onChoose={(name) => setWanted({ ...wanted, endpoint: name })}
        />
        <Choice
          label="Handler"
          value={handler}
          options={handlers}
          onChoose={(name) => setWanted({ ...wanted, handler: name })}
        />
        <Choice
          label="Codec"
          value={codec}
          options={codecs}
          onChoose={(name) => setWanted({ ...wanted, codec: name })}
        />
      </div>
      <p class="hint">
        {endpoint?.addresses.join(", ")}
        {!isByName && "; one handler, plain: it takes the body and nothing beside it"}
      </p>
      <div class="field">
        <div class="head">
          <label for="body">Body</label>
          {isRaw ? (
            <label class="check">
              <input type="checkbox" checked={isHex} onChange={({ currentTarget }) => setHex(currentTarget.checked)} />{" "}
              in hex
            </label>
          ) : (
            <span class="hint">JSON, whatever the codec makes of it</span>
          )}
        </div>
        <textarea
          id="body"
          class="code"
          rows={8}
          spellcheck={false}
          autocomplete="off"
          value={body}
          onInput={({ currentTarget }) => setWritten({ subject, text: currentTarget.value })}
        />
        {example !== undefined && typed !== undefined && typed !== example && (
          <button type="button" class="link" onClick={() => setWritten({ subject: "", text: "" })}>
            Back to the example of its schema
          </button>
        )}
      </div>
      {isByName && (
        <div class="fields">
          <label class="field">
            Metadata
            <textarea
              class="code"
              rows={2}
              spellcheck={false}
              autocomplete="off"
              placeholder="name=value, one a line"
              value={metadata}
              aria-invalid={problem !== undefined}
              aria-describedby={problem === undefined ? undefined : "metadata-problem"}
              onInput={({ currentTarget }) => setMetadata(currentTarget.value)}
            />
          </label>
          <label class="field narrow">
            Timeout, ms
            <input
              type="number"
              min={1}
              max={999_999_999}
              placeholder={description === undefined ? "" : String(description.timeoutMs)}
              value={timeout}
              onInput={({ currentTarget }) => setTimeout(currentTarget.value)}
            />
          </label>
        </div>
      )}
      {problem !== undefined && (
        <p id="metadata-problem" class="problem">
          {problem}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="primary" disabled={!isAllowed} aria-disabled={isUnderWay}>
          {isUnderWay ? "Calling…" : "Call"}
        </button>
        <span class="hint keys">or Ctrl+Enter</span>
      </div>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly onChoose: (option: string) => void;
}

function Choice({ label, value, options, onChoose }: ChoiceProps) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}

function codecsOf(endpoint: PageEndpoint | undefined, all: readonly string[]): readonly string[] {
  return endpoint?.codec === undefined ? all : [endpoint.codec];
}

/** Bytes as they are, under a name of their own or that of the built-in one. */
function isRawCodec({ config }: PageSetup, codec: string): boolean {
  const type = config.find(
    ({ path }) => path === `codecs.${codec}.type` || path === `codecs[${JSON.stringify(codec)}].type`,
  );
  return (type?.value ?? codec) === "raw";
}

/** The pairs, or what is wrong with a line. */
function pairsFrom(text: string): Readonly<Record<string, string>> | string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const wrong = lines.find((line) => line.indexOf("=") < 1);
  if (wrong !== undefined) return `Metadata takes NAME=VALUE, not ${JSON.stringify(wrong)}`;
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1)]),
  );
}
