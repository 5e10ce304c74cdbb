/** What a bug of ours costs: the reply it is about, and no other. */
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Router } from "zeromq";
import { readMessages } from "../../src/transports/zmq/loop.ts";
import { createRouterLoop } from "../../src/transports/zmq/router.ts";
import { unpackBatch } from "../../src/wire/batch.ts";
import { ANY_PORT, recordingLog } from "../hosts.ts";

function dealerTo(socket: Router): Dealer {
  const dealer = new Dealer({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => dealer.close());
  dealer.connect(socket.lastEndpoint ?? "");
  return dealer;
}

test("what fails between two messages does not end the reading", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const log = recordingLog();
  let rounds = 0;
  const read = new Promise((resolve) => {
    void readMessages(socket, log, {
      handle: (frames) => void resolve(String(frames.at(-1))),
      between() {
        if (rounds++ === 0) throw new Error("a bug");
        return undefined;
      },
      early: () => undefined,
    });
  });
  await dealerTo(socket).send(["", "read"]);
  expect(await read).toBe("read");
  expect(log.records.map(({ level }) => level)).toEqual(["error"]);
});

test("a reply that can't be made costs no other one, by itself or in a batch, and no time at the end", async () => {
  const log = recordingLog();
  const loop = createRouterLoop({
    socketOptions: { linger: 0 },
    lockStep: () => false,
    endpoint: "e",
    log,
    answerer: () => ({
      unpack: ([first]) =>
        String(first) === "batch" ? ["bad", "b"].map((text, id) => ({ id, frames: [Buffer.from(text)] })) : undefined,
      answer(frames) {
        if (String(frames[0]) === "bad") throw new Error("a bug");
        return frames;
      },
      refuse: () => [],
    }),
  });
  await loop.socket.bind(ANY_PORT);
  loop.run();
  const dealer = dealerTo(loop.socket);
  for (const text of ["bad", "a", "batch", "c"]) await dealer.send(["", text]);
  const replies: string[] = [];
  while (replies.length < 3) {
    const [, first, packed] = await dealer.receive();
    const items = packed && unpackBatch(packed, { maxBytes: 1000, maxCalls: 2 });
    replies.push(items === undefined ? String(first) : `${items.map(({ id, frames }) => `${id} ${frames}`)}`);
  }
  expect(replies.sort()).toEqual(["1 b", "a", "c"]);
  const from = performance.now();
  await loop.stop();
  expect(performance.now() - from).toBeLessThan(500);
  expect(log.records.map(({ message }) => message)).toEqual(Array(2).fill("a reply could not be sent"));
});

test("a message is read though there is always something to do before it", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const MANY = 300_000;
  let rounds = 0;
  let isRead = false;
  const read = new Promise<number>((resolve) => {
    void readMessages(socket, recordingLog(), {
      handle() {
        isRead = true;
        resolve(rounds);
        return undefined;
      },
      between: () => undefined,
      early: () => (isRead || ++rounds >= MANY ? undefined : Promise.resolve()),
    });
  });
  await dealerTo(socket).send(["", "read"]);
  expect(await read).toBeLessThan(MANY);
});
