/** Calls that are not begun when they are read, and what their beginning must not cost the others. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Router } from "zeromq";
import { createTurns } from "../../src/transports/zmq/turns.ts";
import { ANY_PORT } from "../hosts.ts";

const PEER = Buffer.from("peer");

/** Holds the thread, while libzmq goes on in its own. */
function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("a message that comes while a call begins is read, though nothing is sent and no other comes", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const dealer = new Dealer({ linger: 0 });
  onTestFinished(() => dealer.close());
  dealer.connect(socket.lastEndpoint ?? "");
  await dealer.send("first");
  await socket.receive();
  const turns = createTurns(socket, () => true);
  const second = socket.receive();
  const begin = () => {
    void dealer.send("second");
    hold(100);
    return undefined;
  };
  turns.add(PEER, [begin], 1);
  await turns.take(true);
  expect(String((await Promise.race([second, delay(2000, [])])).at(-1))).toBe("second");
});

test("a call whose reply finds no room is the last of its peer that is begun, though none has to be waited for", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  const begun: number[] = [];
  let isFull = false;
  const turns = createTurns(socket, () => !isFull);
  const begin = (number: number) => () => {
    begun.push(number);
    // As a send does that libzmq has refused.
    Promise.reject(new Error("no room")).catch(() => {
      isFull = true;
    });
    return undefined;
  };
  turns.add(PEER, [begin(1), begin(2), begin(3)], 3);
  await turns.take(false);
  expect(begun).toEqual([1]);
});

test("a peer that holds all there is to hold shuts out nobody whose calls are small", () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  const turns = createTurns(socket, () => false);
  const begin = () => undefined;
  const mib = 1024 * 1024;
  const [hoarder, other] = [Buffer.from("hoarder"), Buffer.from("other")];
  let held = 0;
  while (turns.add(hoarder, [begin], mib)) held++;
  expect(held).toBe(127);
  expect(turns.add(other, [begin], 2 * mib)).toBe(false);
  expect(turns.add(other, [begin, begin], 64 * 1024)).toBe(true);
  expect(turns.giveUp(hoarder)).toBe(held);
  expect(turns.add(other, [begin], 2 * mib)).toBe(true);
});

test("the calls of a peer that may not go wait until it is woken, and those of others pass them", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  const begun: string[] = [];
  let stuck = true;
  const turns = createTurns(socket, (peer) => !stuck || peer !== PEER);
  const begin = (name: string) => () => {
    begun.push(name);
    return undefined;
  };
  turns.add(PEER, [begin("first"), begin("second")], 2);
  turns.add(Buffer.from("other"), [begin("other")], 1);
  await turns.take(false);
  expect(begun).toEqual(["other"]);
  expect([turns.isEmpty, turns.isReady(), turns.isWaiting(PEER)]).toEqual([false, false, true]);
  turns.add(PEER, [begin("third")], 1);
  stuck = false;
  turns.wake(PEER);
  expect(turns.isReady()).toBe(true);
  await turns.take(false);
  expect(begun).toEqual(["other", "first", "second", "third"]);
  expect(turns.isEmpty).toBe(true);
});

test("the calls of a peer that may not go can be given up", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  const turns = createTurns(socket, () => false);
  turns.add(PEER, [() => undefined, () => undefined], 2);
  await turns.take(false);
  expect(turns.giveUp(PEER)).toBe(2);
  expect(turns.isEmpty).toBe(true);
});
