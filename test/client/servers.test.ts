import { expect, test } from "vitest";
import type { Connection, ConnectionOptions } from "../../src/client/connection.ts";
import { createServers } from "../../src/client/servers.ts";
import { Waits } from "../../src/client/wait.ts";
import { DEFAULTS } from "../../src/config/defaults.ts";

function noSocket(): never {
  throw new Error("Too many open file descriptors");
}

/** Fails a moment later, as where nobody is. */
function nobody({ address, events }: ConnectionOptions): Connection {
  setImmediate(() => events.failed(undefined));
  const never = () => Promise.reject(new Error("it is not up"));
  return { address, isUp: () => false, inFlight: () => 0, roundTrip: never, close: () => undefined };
}

test.each([
  ["the first server", "tcp://one:1"],
  ["the next one", "tcp://two:2"],
])("says that there is no socket for %s, and lets nothing wait", async (_, full) => {
  const servers = createServers({
    addresses: ["tcp://one:1", "tcp://two:2"],
    limits: { ...DEFAULTS.limits, maxInFlight: 1 },
    persistent: false,
    open: { req: (options) => (options.address === full ? noSocket() : nobody(options)) },
  });
  const waits = new Waits();
  const wait = { timeoutMs: 60_000, expiresAt: performance.now() + 60_000, waits };
  await expect(servers.exchange("req", [Buffer.alloc(0)], wait)).rejects.toMatchObject({
    code: "resource_exhausted",
    message: `no socket for ${full}: Too many open file descriptors`,
  });
  expect(waits.all()).toEqual([]);
});
