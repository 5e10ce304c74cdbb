/** docs/operations.md, the alerts and the dashboard name the metrics that a host has, with their labels, and no others. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isErrorCode } from "../../src/errors.ts";
import { type Scraped, scrape } from "../http/scrape.ts";
import { livelyHost } from "../ops/lively.ts";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");

let scraping: Promise<Live> | undefined;

interface Live extends Scraped {
  /** By the name of a sample, such as `x_bucket`. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

async function live(): Promise<Live> {
  const scraped = await scrape((await livelyHost()).httpUrl);
  const labels = [...scraped.samples.keys()].map((sample): [string, Set<string>] => {
    const found = [...sample.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = ""]) => label);
    return [sample.split("{")[0] ?? "", new Set(found)];
  });
  return { ...scraped, labels: new Map(labels) };
}

/** One host for all. */
function seen(): Promise<Live> {
  scraping ??= live();
  return scraping;
}

test("each metric that is documented is there with its type and labels, and each that is there is documented", async () => {
  const { types, labels } = await seen();
  const [, table = ""] = read("docs/operations.md").split("| metric | type | labels |");
  const rows = [
    ...table
      .split("\n\n", 1)
      .join()
      .matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm),
  ];
  const documented = rows.map(([, name, type, named = ""]) => [name, type, [...named.matchAll(/\w+/g)].flat().sort()]);
  const there = [...types].map(([name, type]) => {
    // Undefined for one that has no number, though this host had traffic of all kinds.
    const found = labels.get(type === "histogram" ? `${name}_count` : name);
    return [name, type, found && [...found].sort()];
  });
  expect(documented).toEqual(there);
});

/** Added by Prometheus. */
const OF_THE_SCRAPE = ["job", "instance"];

/** What such an expression names and is not there. */
function unknownIn(expression: string, { labels }: Live): string[] {
  const unknown: string[] = [];
  const known = new Set(OF_THE_SCRAPE);
  for (const [, name = "", matchers = ""] of expression.matchAll(
    /\b((?:zmqecho|process|nodejs)_\w+)(?:\{([^}]*)\})?/g,
  )) {
    const own = labels.get(name);
    if (own === undefined) unknown.push(name);
    for (const label of own ?? []) known.add(label);
    for (const [, label = "", values = ""] of matchers.matchAll(/(\w+)[!=]~?"([^"]*)"/g)) {
      if (own?.has(label) !== true && !OF_THE_SCRAPE.includes(label)) unknown.push(`${name}{${label}}`);
      if (label !== "code") continue;
      for (const code of values.split("|")) if (code !== "ok" && !isErrorCode(code)) unknown.push(`code ${code}`);
    }
  }
  for (const [, list = ""] of expression.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of list.split(", ")) if (!known.has(label)) unknown.push(`by (${label})`);
  const [, asked] = /^label_values\(.*, (\w+)\)$/.exec(expression) ?? [];
  if (asked !== undefined && !known.has(asked)) unknown.push(`label_values ${asked}`);
  return unknown;
}

test("an expression that names what is not there is found out", async () => {
  const expression = 'sum by (x) (rate(zmqecho_nothing_total[5m])) + zmqecho_refused_total{handler="y",code=~"ok|no"}';
  expect(unknownIn(expression, await seen())).toEqual([
    "zmqecho_nothing_total",
    "zmqecho_refused_total{handler}",
    "zmqecho_refused_total{code}",
    "code no",
    "by (x)",
  ]);
});

test("the alerts name metrics, labels and codes that there are, and each says why it is there", async () => {
  const text = read("examples/monitoring/alerts.yml");
  const rules = text.split(/^(?= {6}# )/m).slice(1);
  expect(rules).toHaveLength([...text.matchAll(/- alert: /g)].length);
  for (const rule of rules) {
    expect(rule).toMatch(/^ {6}# .*\n {6}- alert: /);
    const [, expression = ""] = /expr: (?:\|\n)?(.*?)\n {8}\w+:/s.exec(rule) ?? [];
    expect(expression).not.toBe("");
    expect(unknownIn(expression, await seen())).toEqual([]);
  }
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const text = read("examples/monitoring/dashboard.json");
const dashboard = JSON.parse(text) as Dashboard;
const targets = dashboard.panels.flatMap(({ targets = [] }) => targets);

test("the dashboard names metrics, labels and codes that there are", async () => {
  const asked = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  for (const expression of [...targets.map(({ expr }) => expr), ...asked])
    expect(unknownIn(expression, await seen()), expression).toEqual([]);
});

test("the dashboard shows each metric", async () => {
  const shown = targets.map(({ expr }) => expr).join("\n");
  expect([...(await seen()).types.keys()].filter((name) => !shown.includes(name))).toEqual([]);
});

test("the dashboard can be imported: it asks for its data source, and no two panels are in one place", () => {
  expect(dashboard).toMatchObject({ schemaVersion: 39, uid: "zmqecho", title: "zmqecho" });
  const variables = new Set(dashboard.templating.list.map(({ name }) => name));
  const builtIn = new Set(["__rate_interval", "__all"]);
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name).filter((name) => !builtIn.has(name));
  expect(new Set(used)).toEqual(variables);
  expect(dashboard.templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
});

test("what the dashboard writes beside a line is a label that the line has", () => {
  for (const { expr, legendFormat } of targets)
    for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
});
