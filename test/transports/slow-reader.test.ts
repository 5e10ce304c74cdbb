/** Peers that ask for more than they take at once: what they are owed waits, in order and within bounds. */
import { memoryUsage } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "zmqecho";
import { collectEarly } from "../../src/transports/zmq/collect.ts";
import { connectBare, readMessages } from "../hostile/bare-peer.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

const MIB = 1024 * 1024;

// Without it, replies are bounded by their number alone.
collectEarly();

/** Answers with so many bytes as it is asked for, the first of which are the number of the question. */
const big = (question: unknown): Uint8Array => {
  const [number, bytes] = Buffer.from(question as Uint8Array)
    .toString("latin1", 0, 20)
    .split(" ");
  return Buffer.alloc(Number(bytes), `${number} `);
};

async function serve(concurrency: number, log = recordingLog()): Promise<string> {
  const endpoints = { e: { bind: ANY_PORT, handler: "big", concurrency } };
  return addressOf(await startHost({ endpoints }, { big }, { log }), "e");
}

function numberOf(reply: Uint8Array | undefined): number {
  return Number.parseInt(Buffer.from(reply ?? []).toString("latin1", 0, 10), 10);
}

/** Reads the replies to `count` questions of a bare peer that has slept for a while. */
async function askAndSleep(address: string, count: number, bytes: number, sleepMs: number): Promise<number[]> {
  const peer = await connectBare(address, "ready");
  onTestFinished(peer.hangUp);
  for (let n = 0; n < count; n++) await peer.send("", `${n} ${bytes}`);
  await delay(sleepMs);
  return (await readMessages(peer, count)).map((frames) => numberOf(frames.at(-1)));
}

test.each([1, 8])("128 calls at once are all answered, with 1 MiB each (concurrency %i)", async (concurrency) => {
  await using client = createClient({ connect: await serve(concurrency), codec: "raw", maxInFlight: 128 });
  const calls = Array.from({ length: 128 }, async (_, n) => numberOf(await client.request<Uint8Array>(`${n} ${MIB}`)));
  expect(await Promise.all(calls)).toEqual(calls.map((_, n) => n));
});

test("a peer that reads late gets all it asked for, in order", async () => {
  expect(await askAndSleep(await serve(8), 100, MIB, 1000)).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

test("the calls of a peer that does not read are not begun, and others are served", async () => {
  let begun = 0;
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "counted", concurrency: 8 } } },
    {
      counted: (question) => {
        begun++;
        return big(question);
      },
    },
  );
  const address = addressOf(host, "e");
  const peer = await connectBare(address, "ready");
  onTestFinished(peer.hangUp);
  for (let n = 0; n < 300; n++) await peer.send("", `${n} ${MIB}`);
  await using client = createClient({ connect: address, codec: "raw" });
  for (let n = 0; n < 20; n++) expect(numberOf(await client.request<Uint8Array>(`${n} 100`))).toBe(n);
  expect(begun).toBeLessThan(200);
});

test("what a peer does not take for some seconds is given up, with its calls, and counted", async () => {
  const log = recordingLog();
  const address = await serve(8, log);
  const peer = await connectBare(address, "ready");
  onTestFinished(peer.hangUp);
  for (let n = 0; n < 300; n++) await peer.send("", `${n} ${MIB}`);
  const { fields } = await log.logged("dropped replies that their peers do not take");
  expect(fields.count).toBeGreaterThan(50);
});

/** Bytes of V8's heap that are held by somebody. */
async function held(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("globalThis.gc") as () => void;
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate);
    collect();
  }
  return memoryUsage().heapUsed;
}

test("while a peer does not read, nothing is kept of the requests of others", async () => {
  const address = await serve(8);
  const peer = await connectBare(address, "ready");
  onTestFinished(peer.hangUp);
  for (let n = 0; n < 400; n++) await peer.send("", `${n} ${MIB}`);
  await using client = createClient({ connect: address, codec: "raw", maxInFlight: 100 });
  const ask = async (rounds: number) => {
    for (let n = 0; n < rounds; n++) await Promise.all(Array.from({ length: 100 }, () => client.request("7 1")));
  };
  await ask(20);
  const before = await held();
  await ask(200);
  expect((await held()) - before).toBeLessThan(4 * MIB);
});
