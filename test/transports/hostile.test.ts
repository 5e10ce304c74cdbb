/** What strangers send to an endpoint's port: each gets an answer or nothing, and the next request is served. */
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { Dealer, Request } from "zeromq";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

const WAYS = { "lock-step": 1, "side by side": 8 } as const;
const LIMIT = 1000;

describe.each(Object.entries(WAYS))("a stranger at an endpoint that serves %s", (_, concurrency) => {
  async function serve(): Promise<string> {
    const limits = { maxMessageBytes: LIMIT, handshakeMs: 1000 };
    const host = await startHost({ limits, endpoints: { e: { bind: ANY_PORT, concurrency } } });
    return addressOf(host, "e");
  }

  async function ask(address: string, ...frames: (string | Uint8Array)[]): Promise<Buffer[]> {
    const socket = new Request({ linger: 0, receiveTimeout: 5000, sendTimeout: 5000 });
    onTestFinished(() => socket.close());
    socket.connect(address);
    await socket.send(frames);
    return socket.receive();
  }

  async function expectService(address: string): Promise<void> {
    expect(String(await ask(address, "still there?"))).toBe("still there?");
  }

  function dealer(address: string): Dealer {
    const socket = new Dealer({ linger: 0, receiveTimeout: 5000, sendTimeout: 5000 });
    onTestFinished(() => socket.close());
    socket.connect(address);
    return socket;
  }

  /** Writes bytes to the bare port and stays connected; with `untilClosed`, until the other side hangs up. */
  async function write(address: string, bytes: string | Uint8Array, untilClosed = false): Promise<void> {
    const { port, hostname } = new URL(address.replace("tcp:", "http:"));
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => undefined);
    const closed = once(socket.resume(), "close");
    await once(socket, "connect");
    await new Promise((resolve) => socket.write(bytes, resolve));
    if (untilClosed) await closed;
  }

  test("that sends a message without REQ's empty frame", async () => {
    const address = await serve();
    const socket = dealer(address);
    await socket.send("no delimiter");
    await socket.send(["two", "frames"]);
    await expectService(address);
  });

  test("that sends several frames without REQ's empty one and leaves", async () => {
    const address = await serve();
    for (let round = 0; round < 20; round++) {
      const socket = new Dealer({ linger: 100 });
      socket.connect(address);
      await socket.send(["two", "frames"]);
      socket.close();
      // A REP of libzmq's would read this one and lose its reply.
      await expectService(address);
    }
  });

  test("that sends an envelope and nothing else", async () => {
    const address = await serve();
    await dealer(address).send("");
    await expectService(address);
  });

  test("that sends more requests without waiting, as a DEALER with REQ's envelope", async () => {
    const address = await serve();
    const socket = dealer(address);
    for (const text of ["1", "2", "3"]) await socket.send(["", text]);
    const replies = [await socket.receive(), await socket.receive(), await socket.receive()];
    expect(replies.map(([, text]) => String(text))).toEqual(["1", "2", "3"]);
  });

  test("that speaks HTTP", async () => {
    const address = await serve();
    await write(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await expectService(address);
  });

  test("that writes random bytes", async () => {
    const address = await serve();
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919 + 13) % 251));
    await write(address, bytes);
    await expectService(address);
  });

  test("that greets properly and then writes garbage", async () => {
    const address = await serve();
    const greeting = Buffer.alloc(64);
    greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
    greeting.write("NULL", 12);
    await write(address, Buffer.concat([greeting, Buffer.alloc(200, 0x99)]), true);
    await expectService(address);
  });

  test("that leaves before its reply", async () => {
    const address = await serve();
    const socket = new Request({ linger: 0 });
    socket.connect(address);
    await socket.send("never mind");
    socket.close();
    await expectService(address);
  });

  test("that connects and says nothing", async () => {
    const address = await serve();
    await write(address, "");
    await expectService(address);
  });

  test("that sends 100 frames is told of the limit", async () => {
    const address = await serve();
    const [reply] = await ask(address, ...Array<string>(100).fill("x"));
    expect(String(reply)).toMatch(/^ZEP1 resource_exhausted\nthe message has 100 frames; 64 at most\n\{/);
    await expectService(address);
  });

  test("that sends one frame over the limit is told of it", async () => {
    const address = await serve();
    const [reply] = await ask(address, Buffer.alloc(LIMIT + 1));
    expect(String(reply)).toMatch(/^ZEP1 resource_exhausted\nthe message has 1001 bytes; 1000 at most\n\{/);
    await expectService(address);
  });

  test("that sends frames which are too large together is told of it", async () => {
    const address = await serve();
    const [reply] = await ask(address, Buffer.alloc(600), Buffer.alloc(600));
    expect(String(reply)).toMatch(/^ZEP1 resource_exhausted\n/);
    await expectService(address);
  });

  test("that sends a frame over twice the limit is cut off", async () => {
    const address = await serve();
    const socket = new Request({ linger: 0 });
    onTestFinished(() => socket.close());
    const cut = new Promise((resolve) => socket.events.on("disconnect", resolve));
    socket.connect(address);
    await socket.send(Buffer.alloc(LIMIT * 2 + 1));
    await cut;
    await expectService(address);
  });

  test("that sends an empty frame gets one back", async () => {
    const address = await serve();
    expect(await ask(address, "")).toEqual([Buffer.alloc(0)]);
  });

  test("that sends several frames gets them back byte for byte", async () => {
    const address = await serve();
    const frames = [Buffer.from([0, 255, 10, 13]), Buffer.alloc(0), Buffer.from("ZEP1 internal\nx\n{}")];
    expect(await ask(address, ...frames)).toEqual(frames);
  });
});
