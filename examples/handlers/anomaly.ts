/** Tells whether a sensor's reading is out of the ordinary, by how far it is from the mean of those before. */
import { defineHandler } from "zmqecho";
import { z } from "zod";

/** `handlers.anomaly.options` in the configuration. */
const options = z.strictObject({
  /** How many readings of a sensor are remembered. */
  window: z.number().int().min(2).default(100),
  /** How many standard deviations from the mean are still ordinary. */
  threshold: z.number().positive().default(3),
  /** How many readings it takes to judge. */
  warmUp: z.number().int().min(2).default(10),
});

export default defineHandler({
  description: "Finds readings that are out of the ordinary",
  input: z.strictObject({ sensor: z.string().min(1).max(100), reading: z.number() }),
  output: z.strictObject({ anomaly: z.boolean(), score: z.number(), seen: z.number().int() }),
  setup: (context) => ({ ...options.parse(context.options), history: new Map<string, number[]>() }),
  handle({ sensor, reading }, { state: { window, threshold, warmUp, history }, log }) {
    const before = history.get(sensor) ?? [];
    const score = before.length < warmUp ? 0 : deviations(reading, before);
    const anomaly = score > threshold;
    if (anomaly) log.warn({ sensor, reading, score }, "a reading is out of the ordinary");
    history.set(sensor, [...before, reading].slice(-window));
    return { anomaly, score, seen: before.length };
  },
});

/** The distance from the mean in standard deviations. Where readings never varied, any other is as far as can be. */
function deviations(reading: number, before: readonly number[]): number {
  const mean = before.reduce((sum, value) => sum + value, 0) / before.length;
  const variance = before.reduce((sum, value) => sum + (value - mean) ** 2, 0) / before.length;
  const distance = Math.abs(reading - mean);
  if (variance > 0) return distance / Math.sqrt(variance);
  return distance === 0 ? 0 : Number.MAX_VALUE;
}
