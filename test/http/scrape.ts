/** `/metrics` as a scraper reads it. */
export interface Scraped {
  readonly contentType: string | null;
  readonly text: string;
  /** Types by the metric's name. */
  readonly types: ReadonlyMap<string, string>;
  /** By the sample's name with its labels in alphabetical order, such as `zmqecho_ready` or `x_total{code="ok",endpoint="e"}`. */
  readonly samples: ReadonlyMap<string, number>;
}

export async function scrape(httpUrl: string | undefined, accept = "*/*"): Promise<Scraped> {
  const response = await fetch(`${httpUrl}/metrics`, { headers: { accept } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  const samples = new Map<string, number>();
  for (const [, name = "", labels = "", value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    const sorted = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([label]) => label).sort();
    samples.set(sorted.length === 0 ? name : `${name}{${sorted.join(",")}}`, Number(value));
  }
  return { contentType: response.headers.get("content-type"), text, types, samples };
}
