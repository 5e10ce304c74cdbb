/** Clients that leave before their reply, and strangers that send what is no request, or none that can be served. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Dealer } from "zeromq";
import type { Asked, Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { Message } from "./requests.ts";
import type { Endpoint } from "./served.ts";

/** Asks, and goes. Nobody counts what becomes of it. */
export async function leaveEarly(address: string, messages: readonly Message[], random: Random): Promise<void> {
  const socket = new Dealer({ linger: random.pick([0, 20]), sendTimeout: 1000 });
  try {
    socket.connect(address);
    // Under numbers that nobody else has: their replies must not come to anybody.
    for (const { request, frames } of messages) await socket.send([`left-${request.n}`, "", ...frames]);
    await delay(random.between(0, 30));
  } finally {
    socket.close();
  }
}

/** Messages without REQ's envelope, which get no reply. */
export async function sendNoRequest(address: string, random: Random): Promise<void> {
  const socket = new Dealer({ linger: 50, sendTimeout: 1000 });
  try {
    socket.connect(address);
    const frames = random.pick([["no request"], ["two", "frames"], [""], ["", ""], Array<string>(40).fill("x")]);
    await socket.send(frames);
    await delay(10);
  } finally {
    socket.close();
  }
}

/** Bytes on a bare port; libzmq is the one that must live with them. */
export async function writeBytes(address: string, random: Random): Promise<void> {
  const { port, hostname } = new URL(address.replace("tcp:", "http:"));
  const socket = connect(Number(port), hostname).on("error", () => {});
  const greeting = Buffer.alloc(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
  greeting.write("NULL", 12);
  const noise = Buffer.from(Array.from({ length: 300 }, () => random.between(0, 255)));
  socket.write(random.pick(["GET / HTTP/1.1\r\nHost: x\r\n\r\n", noise, Buffer.concat([greeting, noise])]));
  await delay(random.between(0, 50));
  socket.destroy();
}

const JSON_CALL = ["ZEP1 call", "mixed-inline", "json"] as const;

/** By what it is: its frames, and what its reply may be. */
const NONSENSE: Readonly<Record<string, readonly [frames: () => (string | Uint8Array)[], ends: readonly string[]]>> = {
  "no ZEP": [() => ["hello"], ["invalid_argument"]],
  "another version": [() => ["ZEP2 call", "mixed-inline", "json", "", "1"], ["unimplemented"]],
  "an unknown verb": [() => ["ZEP1 next", "x"], ["unimplemented"]],
  "a batch of nonsense": [() => ["ZEP1 batch", "x"], ["invalid_argument"]],
  "too few frames": [() => [...JSON_CALL, ""], ["invalid_argument"]],
  "bad metadata": [() => [...JSON_CALL, "{", "1"], ["invalid_argument"]],
  "a bad deadline": [() => [...JSON_CALL, '{"timeout-ms":"0"}', "1"], ["invalid_argument"]],
  "a bad body": [() => [...JSON_CALL, "", "{"], ["invalid_argument"]],
  "a body of nothing": [() => [...JSON_CALL, "", "null"], ["internal"]],
  "two bodies": [() => [...JSON_CALL, "", "1", "2"], ["invalid_argument"]],
  "nobody's name": [() => ["ZEP1 call", "nobody", "json", "", "1"], ["not_found"]],
  "a name that Object has": [() => ["ZEP1 call", "__proto__", "json", "", "1"], ["not_found"]],
  "an unknown codec": [() => ["ZEP1 call", "mixed-inline", "yaml", "", "1"], ["unimplemented"]],
  "too many frames": [() => Array<string>(100).fill("ZEP1 call"), ["resource_exhausted"]],
  "too many bytes": [() => [...JSON_CALL, "", Buffer.alloc(5_000_000, "1")], ["resource_exhausted"]],
  ping: [() => ["ZEP1 ping"], ["ok"]],
  stats: [() => ["ZEP1 stats"], ["ok"]],
};

/** What an endpoint that serves by name can't serve, and one thing or another that it can. */
export function nonsense(endpoint: Endpoint, peer: string, ledger: Ledger, random: Random): Message {
  const what = random.weighted(
    Object.fromEntries(Object.keys(NONSENSE).map((name) => [name, name === "too many bytes" ? 0.1 : 1])),
  );
  const [frames, ends] = NONSENSE[what] ?? [() => [], []];
  // A call that can be read may wait, for too long or in vain.
  const request: Asked = {
    n: ledger.number(),
    endpoint,
    peer,
    sentAt: performance.now(),
    what,
    ends: [...ends, "resource_exhausted", "deadline_exceeded"],
  };
  return { request, frames: frames() };
}
