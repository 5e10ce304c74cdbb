/** Numbers for people: as many digits as are of use, with their unit. */

/** `85 µs`, `1.23 ms`, `12.3 ms`, `1.23 s`. */
export function millisecondsText(ms: number): string {
  if (ms >= 1000) return `${digits(ms / 1000)} s`;
  return ms >= 1 ? `${digits(ms)} ms` : `${Math.round(ms * 1000)} µs`;
}

/** The end of a bucket, as round as it is. */
export function edgeText(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return ms >= 1 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms * 1000).toPrecision(3))} µs`;
}

/** How long something was to take: `10 s`, `500 ms`. */
export function spanText(ms: number): string {
  return ms >= 1000 || ms === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** A count or a rate, with commas between thousands. */
export function countText(value: number): string {
  const [whole = "", part] = (value >= 100 ? Math.round(value).toString() : String(Number(value.toFixed(1)))).split(
    ".",
  );
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** A share of 1 in percent. */
export function percentText(share: number): string {
  const percent = share * 100;
  return percent > 0 && percent < 0.01 ? "<0.01 %" : `${Number(percent.toFixed(2))} %`;
}

function digits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}
