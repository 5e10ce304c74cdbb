/**
 * Strangers who mean harm. Each attack goes against a host of its own, beside real clients, who must be served; when it is over, the host
 * must be as small as before. HOSTILE_SECONDS makes those that go on longer.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { type BarePeer, connectBare, frameOf, longHead, type Stage } from "./bare-peer.ts";
import { besiege } from "./besieged.ts";

const seconds = Number(process.env.HOSTILE_SECONDS ?? 5);
const TIMEOUT = { timeout: seconds * 2000 + 60_000 };
const MIB = 1024 * 1024;

/** Does it so many times, so many at once. */
async function inParallel(count: number, atOnce: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

async function connectMany(count: number, address: string, stage: (index: number) => Stage): Promise<BarePeer[]> {
  const peers: BarePeer[] = [];
  await inParallel(count, 50, async (index) => peers.push(await connectBare(address, stage(index))));
  return peers;
}

test("1,000 handshakes that stop halfway are hung up on", TIMEOUT, async () => {
  await besiege(
    async ({ byName }) => {
      const peers = await connectMany(1000, byName, (index) => (index % 2 === 0 ? "connected" : "greeted"));
      await Promise.all(peers.map(({ closed }) => closed));
      return "1000 connections, closed by the host";
    },
    { limits: { handshakeMs: 2000 } },
  );
});

test("300 peers of garbage", TIMEOUT, async () => {
  await besiege(async ({ byName }) => {
    const stages: readonly Stage[] = ["connected", "greeted", "ready"];
    const until = performance.now() + seconds * 1000;
    let written = 0;
    await inParallel(300, 300, async (index) => {
      while (performance.now() < until) {
        const peer = await connectBare(byName, stages[index % stages.length] ?? "ready");
        await peer.write(randomBytes(2000));
        written++;
        await Promise.race([peer.closed, delay(200)]);
        peer.hangUp();
      }
    });
    return `${written} connections that wrote garbage`;
  });
});

test("20 peers that ask for replies of 4 MiB and never read", TIMEOUT, async () => {
  const { before, peak } = await besiege(async ({ big }) => {
    const peers = await connectMany(20, big, () => "ready");
    for (const peer of peers) for (let n = 0; n < 50; n++) await peer.send("", String(4 * MIB));
    // Longer than the host is patient with them.
    await delay(7000);
    for (const { hangUp } of peers) hangUp();
    return "1000 replies of 4 MiB asked for";
  });
  // 16 MiB for each of them in libzmq, 128 MiB beside it, and what is being made.
  expect(peak.rssMb - before.rssMb).toBeLessThan(20 * 16 + 128 + 150);
});

test("peers that send more of a large message than there may be are cut off or told", TIMEOUT, async () => {
  await besiege(async ({ byName, big }) => {
    const [endless, boaster, dribbler] = await connectMany(3, big, () => "ready");
    const [chatty] = await connectMany(1, byName, () => "ready");
    if (!endless || !boaster || !dribbler || !chatty) throw new Error("not connected");
    // A frame over twice the limit: libzmq hangs up when it sees the head.
    await boaster.write(longHead(2n ** 62n, false));
    await boaster.closed;
    // A message without end: libzmq has no limit, so this one stops by itself.
    for (let n = 0; n < 32; n++) await endless.write(frameOf(Buffer.alloc(MIB), true));
    // A frame of which a byte comes now and then.
    await dribbler.write(longHead(1000n, false));
    for (let n = 0; n < 20; n++) {
      await dribbler.write(Buffer.of(n));
      await delay(50);
    }
    chatty.socket.resume();
    const told = new Promise<string>((resolve) => chatty.socket.once("data", (bytes) => resolve(bytes.toString())));
    await chatty.send("", ...Array<string>(10_000).fill("x"));
    expect(await told).toContain("the message has 10000 frames; 64 at most");
    for (const { hangUp } of [endless, dribbler, chatty]) hangUp();
    return "a frame of 2^62 bytes, 32 MiB of frames without an end, 10000 frames";
  });
});

test("10,000 connections made and dropped", { timeout: 120_000 }, async () => {
  await besiege(async ({ byName }) => {
    const stages: readonly Stage[] = ["connected", "greeted", "ready"];
    await inParallel(10_000, 40, async (index) => {
      const peer = await connectBare(byName, stages[index % stages.length] ?? "ready");
      if (index % stages.length === 2) await peer.send("", "ZEP1 call", "echo", "json", "", String(index));
      peer.hangUp();
    });
    return "10000 connections, a third of them with a call";
  });
});

test("more connections than there are files", TIMEOUT, async () => {
  await besiege(
    async ({ host, byName }) => {
      const peers = await connectMany(400, byName, () => "connected");
      await delay(1000);
      for (const { hangUp } of peers) hangUp();
      await using client = createClient({ connect: byName, codec: "json", timeoutMs: 8000 });
      expect(await client.call("echo", "a newcomer, when they have gone")).toBe("a newcomer, when they have gone");
      return `400 connections, 200 files; ${host.log().split("\n").length} lines in its log`;
    },
    { first: "ulimit -n 200" },
  );
});

/** @returns how many calls got which code */
async function callTwiceAsOften(address: string, handler: string, perSecond: number): Promise<Record<string, number>> {
  const codes: Record<string, number> = {};
  const crowd = Array.from({ length: 4 }, () =>
    createClient({ connect: address, codec: "json", maxInFlight: 1000, timeoutMs: 20_000 }),
  );
  const calls: Promise<void>[] = [];
  const count = (code: string): void => {
    codes[code] = (codes[code] ?? 0) + 1;
  };
  const from = performance.now();
  for (let sent = 0; performance.now() - from < seconds * 1000; await delay(5)) {
    for (const due = ((performance.now() - from) / 1000) * perSecond; sent < due; sent++) {
      const call = crowd[sent % crowd.length]?.call(handler, null);
      if (call !== undefined)
        calls.push(
          call.then(
            () => count("ok"),
            (error: { code: string }) => count(error.code),
          ),
        );
    }
  }
  await Promise.all(calls);
  await Promise.all(crowd.map((client) => client.close()));
  return codes;
}

test("twice as many calls as its handler can serve", TIMEOUT, async () => {
  await besiege(async ({ byName }) => {
    // 8 at once, 10 ms each.
    const codes = await callTwiceAsOften(byName, "slow", 1600);
    expect(Object.keys(codes).sort()).toEqual(["ok", "resource_exhausted"]);
    expect(codes.ok).toBeGreaterThan(seconds * 400);
    return JSON.stringify(codes);
  });
});

test("twice as many calls as its processor can serve", TIMEOUT, async () => {
  await besiege(async ({ byName }) => {
    // One at a time, 2 ms each.
    const codes = await callTwiceAsOften(byName, "busy", 1000);
    expect(
      Object.keys(codes).filter((code) => !["ok", "resource_exhausted", "deadline_exceeded"].includes(code)),
    ).toEqual([]);
    // The longer it goes on, the more of the crowd's calls are too old when they reach the host: it gives up in time, and asks on.
    expect(codes.ok).toBeGreaterThan(seconds * 100);
    return JSON.stringify(codes);
  });
});
