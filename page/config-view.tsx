/** The configuration in effect, and where each value came from. */
import { useState } from "preact/hooks";
import type { Live } from "./live.ts";

export function ConfigView({ live: { setup } }: { readonly live: Live }) {
  const [withDefaults, setWithDefaults] = useState(false);
  if (setup === undefined) return <p class="empty">Waiting for the host…</p>;
  const { file, folder, config } = setup;
  const lines = config.filter(({ origin }) => withDefaults || origin !== "default");
  return (
    <>
      <p class="hint">
        {file === undefined ? (
          <>
            There is no file; paths are relative to <code>{folder}</code>.
          </>
        ) : (
          <code>{file}</code>
        )}{" "}
        Secrets are masked.
      </p>
      <div class="controls">
        <label class="check">
          <input
            type="checkbox"
            checked={withDefaults}
            onChange={({ currentTarget }) => setWithDefaults(currentTarget.checked)}
          />{" "}
          Defaults too
        </label>
      </div>
      {lines.length === 0 ? (
        <p class="empty">Nothing is set: all values are defaults.</p>
      ) : (
        <table class="config">
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Value</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ path, value, origin }) => (
              <tr key={path} class={origin === "default" ? "default" : undefined}>
                <th scope="row">{path}</th>
                <td>{JSON.stringify(value)}</td>
                <td>{origin}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
