import { readFileSync } from "node:fs";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Request } from "zeromq";
import { folderWith } from "../config/folder.ts";
import { serve } from "../processes.ts";
import { corpusOf } from "./corpus.ts";
import { fuzzAsync, TIMEOUT_MS } from "./fuzz.ts";
import { mutatedFrom } from "./mutations.ts";

const greeting = (minor: number, mechanism: string, isServer = 0): Buffer => {
  const bytes = Buffer.alloc(64);
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, minor]).copy(bytes);
  bytes.write(mechanism, 12);
  bytes[32] = isServer;
  return bytes;
};

/** A frame as it is, or with another length than it has. */
function frame(flags: number, body: Uint8Array, length = BigInt(body.length)): Buffer {
  if ((flags & 2) === 0) return Buffer.concat([Buffer.from([flags, Number(length & 0xffn)]), body]);
  const head = Buffer.alloc(9);
  head[0] = flags;
  head.writeBigUInt64BE(length, 1);
  return Buffer.concat([head, body]);
}

function command(name: string, properties: Record<string, string> = {}): Buffer {
  const parts = Object.entries(properties).map(([key, value]) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(value.length);
    return Buffer.concat([Buffer.from([key.length]), Buffer.from(key), size, Buffer.from(value)]);
  });
  return frame(4, Buffer.concat([Buffer.from([name.length]), Buffer.from(name), ...parts]));
}

const READY = command("READY", { "Socket-Type": "REQ", Identity: "" });
const OPENED = Buffer.concat([greeting(0, "NULL"), READY]);
const MORE = 1;
const LONG = 2;

const body = fc.uint8Array({ maxLength: 60 });
const lie = fc.constantFrom(
  0n,
  1n,
  255n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
);
const part = fc.oneof(
  body.map((bytes) => frame(0, bytes)),
  body.map((bytes) => frame(MORE, bytes)),
  body.map((bytes) => frame(LONG, bytes)),
  fc.constant(frame(MORE, new Uint8Array())),
  fc.tuple(body, lie).map(([bytes, length]) => frame(LONG, bytes, length)),
  fc.tuple(body, fc.nat(255)).map(([bytes, flags]) => frame(flags, bytes)),
  fc.constantFrom(
    READY,
    command("PING"),
    command("SUBSCRIBE"),
    command("ERROR"),
    command(""),
    frame(6, Buffer.alloc(300, 5), 2n ** 40n),
  ),
  fc.constantFrom(
    command("READY", { "Socket-Type": "PUB" }),
    command("READY", { "Socket-Type": "X".repeat(200) }),
    command("HELLO"),
  ),
);
const start = fc.oneof(
  { weight: 4, arbitrary: fc.constant(OPENED) },
  { weight: 1, arbitrary: mutatedFrom(fc.constant(OPENED)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(3), fc.constantFrom("NULL", "PLAIN", "CURVE", "GSSAPI", "", "NULLNULL"), fc.nat(1))
      .map((of) => Buffer.concat([greeting(...of), READY])),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.from([0x01, 0x00]),
      Buffer.from("ff00000000000000017f01050000", "hex"),
    ),
  },
);
const session = fc
  .tuple(start, fc.array(part, { maxLength: 6 }))
  .map(([first, parts]) => Buffer.concat([first, ...parts]));
const attack = fc.oneof({ weight: 3, arbitrary: session }, { weight: 2, arbitrary: mutatedFrom(session) });

/** Says all of it once the host has said anything, and then waits until it has read all and closed the connection. */
function say(port: number, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay();
    socket.on("error", () => {});
    socket.once("close", () => resolve());
    socket.once("data", () => {
      for (const piece of pieces.slice(1)) socket.write(piece);
      socket.end();
      socket.resume();
    });
    socket.write(pieces[0] ?? new Uint8Array());
  });
}

/** Of a process, in MB. */
const residentMb = (pid: number): number => Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096e-6;

async function startedHost() {
  const config = {
    limits: { maxMessageBytes: 65_536, handshakeMs: 500 },
    endpoints: {
      echo: { bind: "tcp://127.0.0.1:*" },
      named: { bind: "tcp://127.0.0.1:*", handlers: ["*"], concurrency: 8 },
    },
  };
  const host = await serve([], { cwd: folderWith({ "zmqecho.config.json": JSON.stringify(config) }), addresses: 2 });
  const clients = host.addresses.map((address) => {
    const client = new Request({ linger: 0, receiveTimeout: 5_000, sendTimeout: 5_000 });
    onTestFinished(() => client.close());
    client.connect(address);
    return client;
  });
  const ports = host.addresses.map((address) => Number(new URL(address).port));
  /** Both endpoints answer those who keep to the rules. */
  async function expectService(): Promise<void> {
    for (const client of clients) {
      await client.send("ZEP1 ping");
      const [first] = await client.receive();
      expect(String(first)).toMatch(/^ZEP1 (ping|ok)$/);
    }
  }
  await expectService();
  return { host, ports, expectService };
}

test(
  "whatever a peer says on the port, those who keep to the rules are served, and the host stops as it should",
  async () => {
    const { host, ports, expectService } = await startedHost();
    const before = residentMb(host.pid);
    const property = fc.asyncProperty(attack, fc.nat(200), fc.constantFrom(...ports), async (bytes, cut, port) => {
      await say(port, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      await expectService();
    });
    await fuzzAsync(property, 60);
    for (const { bytes } of corpusOf("port")) for (const port of ports) await say(port, [bytes]);
    await expectService();
    expect(residentMb(host.pid) - before, "megabytes more").toBeLessThan(150);
    const { code, stderr } = await host.stop();
    expect(code).toBe(0);
    for (const line of stderr.trimEnd().split("\n")) expect(JSON.parse(line).level, line).not.toBe("error");
  },
  TIMEOUT_MS,
);

test("a message of more and more frames that never ends takes no service from others", async () => {
  const { host, ports, expectService } = await startedHost();
  const before = residentMb(host.pid);
  const many = Buffer.concat(Array.from({ length: 4_000 }, () => frame(MORE, Buffer.alloc(100))));
  for (const port of ports) {
    await say(port, [OPENED, many, many]);
    await expectService();
  }
  // Twice 800 KB were said, and the frames of libzmq are no larger than a few times that.
  expect(residentMb(host.pid) - before, "megabytes more").toBeLessThan(150);
  expect((await host.stop()).code).toBe(0);
});
