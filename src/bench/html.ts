/** Figures as one page of HTML that needs nothing else: no script runs, and nothing is fetched. */
import { type Figures, type LatencyFigures, PERCENTILES } from "./figures.ts";
import { countText, millisecondsText, percentText } from "./numbers.ts";
import { distributionPlot, errorsPlot, percentilePlot, throughputPlot } from "./plots.ts";
import { escapeHtml, type Plot, plotSvg } from "./svg.ts";
import { describeRun } from "./text.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6575; --line: #dfe3ea; --paper: #fff; --ok: #1f6feb; --bad: #c9372c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --line: #323a47; --paper: #14181f; --ok: #6ea8ff; --bad: #ff7b6e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0; color: var(--soft); overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1.5rem 0 0; }
dt { color: var(--soft); font-size: .875rem; } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; } .number { text-align: right; white-space: nowrap; }
figure { margin: 0; } svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg .name { fill: var(--ink); }
.grid { stroke: var(--line); } .tick, .axis { stroke: var(--soft); fill: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.ok { stroke: var(--ok); }
.area { fill-opacity: .25; stroke-width: 1.5; } .area.ok { fill: var(--ok); stroke: var(--ok); } .area.failed { fill: var(--bad); stroke: var(--bad); }
.bar.ok { fill: var(--ok); } .bar.failed { fill: var(--bad); }
`;

/** The whole document. The figures are in it as JSON as well, in the element with the id `figures`. */
export function renderPage(figures: Figures): string {
  const { latencyMs, serviceMs, intervals, errors, conditions, startedAt, zmqecho } = figures;
  const sections = [
    conditions.length === 0 ? "" : conditionsTable(figures),
    latencyMs === null ? "" : latencyTable(latencyMs, serviceMs),
    intervals.length === 0 ? "" : section(throughputPlot(figures), throughputNote(figures)),
    latencyMs === null ? "" : section(percentilePlot(figures)) + section(distributionPlot(figures)),
    errors.length === 0 ? "<h2>Errors by code</h2>\n<p>None.</p>" : section(errorsPlot(figures)) + errorsTable(figures),
  ];
  // In a script element only an end tag could end it, or a comment hide it.
  const json = JSON.stringify(figures).replace(/</g, "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>zmqecho bench: ${escapeHtml(figures.target.addresses.join(", "))}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>zmqecho bench</h1>
<p>${escapeHtml(describeRun(figures))}</p>
<p>${escapeHtml(startedAt)}, zmqecho ${escapeHtml(zmqecho)}</p>
${summary(figures)}
${sections.filter((text) => text !== "").join("\n")}
</main>
<script type="application/json" id="figures">${json}</script>
</body>
</html>
`;
}

function summary({ rps, ok, failed, notSent, unanswered, errorRate, latencyMs, elapsedMs }: Figures): string {
  const facts: [id: string, name: string, value: string, bad?: boolean][] = [
    ["rps", "requests a second", countText(rps)],
    ["ok", "succeeded", countText(ok)],
    ["failed", "failed", countText(failed), failed > 0],
  ];
  if (notSent > 0) facts.push(["not-sent", "not sent", countText(notSent), true]);
  if (unanswered > 0) facts.push(["unanswered", "unanswered", countText(unanswered)]);
  if (errorRate > 0) facts.push(["error-rate", "failed or not sent", percentText(errorRate), true]);
  if (latencyMs !== null) {
    facts.push(["median", "median", millisecondsText(latencyMs.p50)], ["p99", "p99", millisecondsText(latencyMs.p99)]);
  }
  facts.push(["elapsed", "measured for", millisecondsText(elapsedMs)]);
  const items = facts.map(
    ([id, name, value, bad]) =>
      `<div><dt>${name}</dt><dd id="${id}"${bad ? ' class="bad"' : ""}>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl>${items.join("")}</dl>`;
}

function latencyTable(latency: LatencyFigures, service: LatencyFigures | null): string {
  const names = ["min", "mean", ...PERCENTILES, "max"] as const;
  const row = (id: string, title: string, from: LatencyFigures): string =>
    `<tr id="${id}"><th scope="row">${title}</th>${names.map((name) => `<td class="number">${escapeHtml(millisecondsText(from[name]))}</td>`).join("")}</tr>`;
  const rows =
    service === null
      ? row("latency", "from sending to reply", latency)
      : row("latency", "from when it was due to reply", latency) + row("service", "from sending to reply", service);
  const head = names.map((name) => `<th scope="col" class="number">${name}</th>`).join("");
  return `<h2>Latency</h2>\n<p>Of requests that succeeded.</p>\n<div class="wide"><table><thead><tr><td></td>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function conditionsTable({ conditions }: Figures): string {
  const rows = conditions.map(
    ({ condition, failed, measured }) =>
      `<tr><td>${escapeHtml(condition)}</td><td${failed ? ' class="bad"' : ""}>${failed ? "failed" : "passed"}</td><td class="number">${escapeHtml(measured)}</td></tr>`,
  );
  return `<h2>Conditions</h2>\n<table id="conditions"><thead><tr><th scope="col">fail if</th><th scope="col">result</th><th scope="col" class="number">measured</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function errorsTable({ errors }: Figures): string {
  const rows = errors.map(
    ({ code, count, message }) =>
      `<tr><td>${code}</td><td class="number">${countText(count)}</td><td>${escapeHtml(message)}</td></tr>`,
  );
  return `\n<div class="wide"><table id="errors-table"><thead><tr><th scope="col">code</th><th scope="col" class="number">requests</th><th scope="col">the first one</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function throughputNote({ intervals }: Figures): string {
  const lost = intervals.some(({ failed }) => failed > 0);
  return lost ? "Requests that succeeded in blue, those that failed in red." : "Requests that succeeded.";
}

function section(plot: Plot, note = plot.description): string {
  return `<h2>${escapeHtml(plot.title)}</h2>\n<p>${escapeHtml(note)}</p>\n<figure>${plotSvg(plot)}</figure>\n`;
}
