/** Figures as tables of Markdown. Each figure is a median of rounds, each ratio one of the rounds' own ratios. */
import { median, percentile } from "../figures.mjs";

const table = (head, rows) => {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map(line).join("\n");
};
const whole = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
const short = (value) => (value >= 100 ? whole(value) : value.toFixed(value >= 10 ? 0 : 1));
const ratio = (value) => value.toFixed(2);
const middle = (rounds, name) => median(rounds.map((round) => round[name]));

/** By the rates of the same rounds: the median, and between what the middle half of them lies. */
function ratios(rounds, base) {
  const values = rounds.map(({ rate }, index) => rate / base[index].rate);
  return `${ratio(median(values))} (${ratio(percentile(values, 25))}–${ratio(percentile(values, 75))})`;
}

const COSTS = ["server's µs of CPU", "client's µs of CPU"];
const costs = (rounds) => [short(middle(rounds, "serverUs")), short(middle(rounds, "clientUs"))];

/** Rows of `{ title, rounds }`, the base first; one whose `rounds` are missing says why not in `absent`. */
export function echoTable(rows, { latency }) {
  const base = rows[0].rounds;
  const head = ["", ...(latency ? ["µs a call"] : []), "calls a second", "× the bare pair", ...COSTS];
  return table(
    head,
    rows.map(({ title, rounds, absent }) => {
      if (rounds === undefined) return [title, absent, ...head.slice(2).map(() => "")];
      const rate = middle(rounds, "rate");
      return [title, ...(latency ? [short(1e6 / rate)] : []), whole(rate), ratios(rounds, base), ...costs(rounds)];
    }),
  );
}

const SWEPT = [
  "bare: calls a second",
  "ROUTER: calls a second",
  "ROUTER × bare",
  "bare: µs of CPU",
  "ROUTER: µs of CPU",
];

function swept({ bare, router }) {
  const rates = [bare, router].map((rounds) => whole(middle(rounds, "rate")));
  return [...rates, ratios(router, bare), ...[bare, router].map((rounds) => short(middle(rounds, "serverUs")))];
}

/** Rows of `{ title, bytes, bare, router }`, the last two lists of rounds. */
export function sizesTable(rows) {
  return table(
    ["payload", ...SWEPT, "ROUTER: MB/s each way"],
    rows.map((row) => [row.title, ...swept(row), short((middle(row.router, "rate") * row.bytes) / 1e6)]),
  );
}

/** Rows of `{ title, bare, router }`, or `{ title, absent }` with the reason. */
export function clientsTable(rows) {
  return table(
    ["clients", ...SWEPT],
    rows.map((row) => [row.title, ...(row.absent ? [row.absent, ...SWEPT.slice(1).map(() => "")] : swept(row))]),
  );
}
