/** A handshake and nothing else: behind CURVE it alone tells whether a server would take a request. */
import { DEFAULTS } from "../config/defaults.ts";
import type { CurveKeys } from "./connection.ts";
import { openReq } from "./req.ts";
import { createServers } from "./servers.ts";
import { Waits } from "./wait.ts";

/** Resolves when a REP or ROUTER has taken our keys. Rejects with `unauthenticated`, or `unavailable`, with the reason. No message is sent. */
export async function greet(address: string, curve: CurveKeys, timeoutMs: number): Promise<void> {
  const servers = createServers({
    addresses: [address],
    limits: { ...DEFAULTS.limits, maxInFlight: 1 },
    curve,
    persistent: false,
    open: { req: openReq },
  });
  try {
    await servers.connect("req", { timeoutMs, expiresAt: performance.now() + timeoutMs, waits: new Waits() });
  } finally {
    servers.close();
  }
}
