/** How an endpoint's socket stops. */
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Dealer } from "zeromq";
import { giveBackContext, takeContext } from "../../src/transports/zmq/context.ts";
import { plainFraming } from "../../src/transports/zmq/framing.ts";
import { createZmqTransport } from "../../src/transports/zmq/transport.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

/** Where a client connects, and waits for somebody behind it. */
async function doorway() {
  const server = createServer();
  onTestFinished(() => void server.close());
  const entered = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return { address: `tcp://127.0.0.1:${typeof at === "object" ? at?.port : 0}`, entered };
}

test("waits for who connects while it stops, though the handshake takes longer than the silence that ends it", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
  const { address, entered } = await doorway();
  const dealer = new Dealer({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => dealer.close());
  dealer.connect(address);
  await dealer.send(["", "hello"]);
  const client = await entered;

  const stopped = host.stop();
  const server = connect(Number(new URL(addressOf(host, "e")).port), "127.0.0.1");
  for (const socket of [client, server]) {
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
  }
  await delay(150);
  client.pipe(server).pipe(client);
  expect(String((await dealer.receive())[1])).toBe("hello");
  await stopped;
});

test("one that is closed has stopped reading", async () => {
  const context = takeContext();
  onTestFinished(() => giveBackContext(context));
  const limits = { maxMessageBytes: 1000, maxFrames: 10 };
  const transport = createZmqTransport({
    endpoint: "e",
    places: { bind: [ANY_PORT], connect: [], ipcMode: 0o700 },
    socketLimits: { ...limits, handshakeMs: 1000, lingerMs: 0 },
    framing: plainFraming("echo", "raw"),
    lockStep: true,
    limits,
    context,
    log: recordingLog(),
  });
  await transport.open();
  await transport.close();
  await transport.stopReading();
});
