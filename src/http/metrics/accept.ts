/** Which of two forms of metrics a scraper wants: what it accepts (RFC 9110, 12.5.1), by how much it likes it. */

export type MetricsForm = "prometheus" | "openmetrics";

/** Prometheus' own form unless OpenMetrics is liked better, or as much and named first. */
export function formFor(accept = ""): MetricsForm {
  const ranges = accept.split(",").map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const value = (name: string) => parameters.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
    return { type, version: value("version"), quality: Number(value("q") ?? 1) };
  });
  const [best] = ranges
    .filter(({ quality }) => quality > 0)
    .filter(({ type, version }) => type !== OPEN_METRICS || version === undefined || version === "1.0.0")
    .sort((one, other) => other.quality - one.quality);
  return best?.type === OPEN_METRICS ? "openmetrics" : "prometheus";
}

const OPEN_METRICS = "application/openmetrics-text";
