/** Which handlers there are, and what each takes and replies. */
import { useEffect, useState } from "preact/hooks";
import type { HandlerDescription, HandlerSummary } from "../src/wire/introspection.ts";
import type { PageEndpoint } from "../src/wire/page.ts";
import { askHandler } from "./ask.ts";
import { msText } from "./format.ts";
import type { Live } from "./live.ts";

export function HandlersView({ live: { setup } }: { readonly live: Live }) {
  const [search, setSearch] = useState("");
  if (setup === undefined) return <p class="empty">Waiting for the host…</p>;
  const wanted = search.trim().toLowerCase();
  const shown = setup.handlers.filter(({ name, description = "" }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      {setup.handlers.length > 8 && (
        <div class="controls">
          <label class="inline">
            Filter{" "}
            <input
              type="search"
              value={search}
              placeholder="name or description"
              onInput={({ currentTarget }) => setSearch(currentTarget.value)}
            />
          </label>
        </div>
      )}
      {shown.length === 0 && <p class="empty">{setup.handlers.length === 0 ? "There is none." : "None fits."}</p>}
      <div class="list">
        {shown.map((handler) => (
          <Handler
            key={handler.name}
            handler={handler}
            endpoints={setup.endpoints.filter(({ handlers }) => handlers.includes(handler.name))}
          />
        ))}
      </div>
    </>
  );
}

function Handler({
  handler,
  endpoints,
}: {
  readonly handler: HandlerSummary;
  readonly endpoints: readonly PageEndpoint[];
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="handler" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <h2>{handler.name}</h2>
        <span class={handler.state === "ready" ? "pill live quiet" : "pill lost"}>{handler.state}</span>
        <span class="description">{handler.description}</span>
      </summary>
      {isOpen && <Description handler={handler} endpoints={endpoints} />}
    </details>
  );
}

function Description({
  handler,
  endpoints,
}: {
  readonly handler: HandlerSummary;
  readonly endpoints: readonly PageEndpoint[];
}) {
  const told = useDescription(handler);
  if (told === undefined) return <p class="empty">Asking…</p>;
  if (typeof told === "string") return <p class="notice bad">{told}</p>;
  const { isolation, timeoutMs, concurrency, pool, codecs, input, output, protobuf = [], notes = [] } = told;
  return (
    <div class="description-body">
      <dl class="facts">
        <Fact name="Served at" value={endpoints.map(({ name }) => name).join(", ")} />
        <Fact name="Isolation" value={isolation} />
        <Fact name="Timeout" value={msText(timeoutMs)} />
        <Fact name="Concurrency" value={concurrency === undefined ? "that of its endpoints" : String(concurrency)} />
        {pool !== undefined && <Fact name="Workers" value={`${pool.maxWorkers} at most, ${pool.memoryMb} MB each`} />}
        <Fact name="Codecs" value={codecs.join(", ")} />
      </dl>
      {notes.map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
      <div class="pair">
        <Schema title="Input" of={handler.name} schema={input} />
        <Schema title="Output" of={handler.name} schema={output} />
      </div>
      {protobuf.map(({ codec, request, response, proto }) => (
        <section key={codec} aria-label={`Message types of ${codec}`}>
          <h3>
            {codec}: {request} → {response}
          </h3>
          {proto !== undefined && <Source name={`Types of ${codec} for ${handler.name}`} text={proto} />}
        </section>
      ))}
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Schema({
  title,
  of,
  schema,
}: {
  readonly title: string;
  readonly of: string;
  readonly schema: object | undefined;
}) {
  return (
    <div>
      <h3>{title}</h3>
      {schema === undefined ? (
        <p class="empty">No schema.</p>
      ) : (
        <Source name={`${title} schema of ${of}`} text={JSON.stringify(schema, null, 2)} />
      )}
    </div>
  );
}

/** Text as it is, which may be wider and higher than its place. */
export function Source({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and a keyboard has no other way to do that
    <section class="source" aria-label={name} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  );
}

/** What the host says of it, or why it does not; asked again when it may be another. */
export function useDescription(handler: HandlerSummary | undefined): HandlerDescription | string | undefined {
  const [told, setTold] = useState<HandlerDescription | string>();
  useEffect(() => {
    if (handler === undefined) return undefined;
    let isLeft = false;
    askHandler(handler.name).then(
      (description) => !isLeft && setTold(description),
      (error: unknown) => !isLeft && setTold(String(error)),
    );
    return () => {
      isLeft = true;
    };
  }, [handler]);
  // What was told of another is nothing of this one's.
  return typeof told === "object" && told.name !== handler?.name ? undefined : told;
}
