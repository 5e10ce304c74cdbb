/** A key-value store in memory, for processes that share small facts. Entries can expire, and the oldest give way. */
import { defineHandler, ZmqEchoError } from "zmqecho";
import { z } from "zod";

const key = z.string().min(1).max(200);

/** Under any codec: `{ "op": "put", "key": "robot-7", "value": { "x": 1 }, "ttlMs": 60000 }`. */
const input = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("get"), key }),
  z.strictObject({ op: z.literal("put"), key, value: z.unknown(), ttlMs: z.number().int().positive().optional() }),
  z.strictObject({ op: z.literal("delete"), key }),
  z.strictObject({ op: z.literal("keys"), prefix: z.string().default("") }),
]);

/** `handlers.kv.options` in the configuration. */
const options = z.strictObject({ maxEntries: z.number().int().positive().default(10_000) });

interface Entry {
  readonly value: unknown;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export default defineHandler({
  description: "A key-value store in memory",
  input,
  setup: (context) => ({ ...options.parse(context.options), entries: new Map<string, Entry>() }),
  handle(request, { state: { entries, maxEntries } }) {
    switch (request.op) {
      case "get": {
        const found = alive(entries, request.key);
        if (found === undefined) throw new ZmqEchoError("not_found", `there is no ${JSON.stringify(request.key)}`);
        return found.value;
      }
      case "put": {
        const { key, value, ttlMs = Number.POSITIVE_INFINITY } = request;
        // Deleted first, so that the order of the map is the order of writing.
        entries.delete(key);
        entries.set(key, { value, expiresAt: Date.now() + ttlMs });
        const [oldest] = entries.keys();
        if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
        return { entries: entries.size };
      }
      case "delete":
        return { deleted: alive(entries, request.key) !== undefined && entries.delete(request.key) };
      case "keys":
        return [...entries.keys()].filter((name) => name.startsWith(request.prefix) && alive(entries, name));
    }
  },
});

/** The entry, unless it has expired: then it goes now. */
function alive(entries: Map<string, Entry>, name: string): Entry | undefined {
  const entry = entries.get(name);
  if (entry === undefined || entry.expiresAt > Date.now()) return entry;
  entries.delete(name);
  return undefined;
}
