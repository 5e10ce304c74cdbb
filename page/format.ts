/** Numbers and times for people; of the same width where they stand below each other. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `0`, `0.4`, `12`, `1,204`. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : whole.format(perSecond);
}

export function countText(count: number): string {
  return whole.format(count);
}

/** Three digits and a unit: `0.12 ms`, `12.3 ms`, `1.23 s`; `–` for none. */
export function msText(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** `312 B`, `4.0 KiB`, `1.2 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

/** `12:59:01`, of the clock where the page is open. */
export function clockText(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** `4 s`, `12 min`, `3 h 20 min`, `5 d 2 h`. */
export function uptimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
