/** What a look at an address finds; with real sockets and through the command line in test/cli/ping.test.ts. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Router } from "zeromq";
import { diagnose } from "../../src/client/diagnose.ts";
import { look } from "../../src/client/look.ts";

const GREETING = Buffer.alloc(64);
GREETING.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
GREETING.write("NULL", 12);

const READY = Buffer.concat([
  Buffer.from([4, 26, 5]),
  Buffer.from("READY"),
  Buffer.from([11]),
  Buffer.from("Socket-Type"),
  Buffer.from([0, 0, 0, 3]),
  Buffer.from("REP"),
]);

/** Calls back with each connection, and with how much it has sent so far. */
async function server(onBytes: (peer: Socket, count: number) => void): Promise<string> {
  const listening = createServer((peer) => {
    let count = 0;
    peer.on("error", () => {});
    peer.on("data", (chunk) => {
      count += chunk.length;
      onBytes(peer, count);
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void listening.close());
  await once(listening, "listening");
  return `tcp://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

test("a peer that wants to read the whole greeting first gets it", async () => {
  const address = await server((peer, count) => {
    if (count === GREETING.length) peer.write(Buffer.concat([GREETING, READY]));
  });
  expect(await look(address, 2000)).toEqual({ kind: "zeromq", version: "3.0", mechanism: "NULL", socketType: "REP" });
});

test("a peer that sends its bytes one by one is understood", async () => {
  let begun = false;
  const address = await server(async (peer) => {
    if (begun) return;
    begun = true;
    for (const byte of Buffer.concat([GREETING, READY])) {
      await new Promise<void>((resolve) => peer.write(Buffer.from([byte]), () => resolve()));
    }
  });
  expect(await look(address, 5000)).toMatchObject({ socketType: "REP" });
});

test("a peer that greets and goes on without end is given up", async () => {
  const address = await server((peer) => peer.write(Buffer.concat([GREETING, Buffer.alloc(20_000)])));
  expect(await look(address, 5000)).toEqual({ kind: "zeromq", version: "3.0", mechanism: "NULL" });
});

test("a mechanism and a type that would command a terminal are cut", async () => {
  const evil = Buffer.from(GREETING);
  evil.write("NULL\x1b[2J", 12);
  const address = await server((peer) => peer.write(Buffer.concat([evil, Buffer.from(READY)])));
  expect(await look(address, 2000)).toMatchObject({ mechanism: "NULL", socketType: "REP" });
});

test("a server that asks for keys is told of in words", async () => {
  const router = new Router({ linger: 0, curveServer: true, curveSecretKey: curveKeyPair().secretKey });
  onTestFinished(() => router.close());
  await router.bind("tcp://127.0.0.1:*");
  const address = router.lastEndpoint ?? "";
  expect(await diagnose(address, 1000)).toEqual({
    code: "unauthenticated",
    text: `${address}: the server asks for CURVE keys; give its public key, as --server-key or as "curve"`,
  });
});
