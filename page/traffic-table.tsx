/** One line for each endpoint or handler; its name chooses what the plots show. */
import { countText, msText, rateText } from "./format.ts";
import { ALL, type History } from "./history.ts";

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

export function TrafficTable({ kind, rows, more, history, shown, setSubject }: TableProps) {
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
