/** Nobody gets in without a yes: whatever is wrong with who is to say it. */
import { expect, onTestFinished, test } from "vitest";
import { Context, Dealer, Request, Router } from "zeromq";
import { DEFAULTS } from "../../src/config/defaults.ts";
import type { Core } from "../../src/core/call.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { plainFraming } from "../../src/transports/zmq/framing.ts";
import { createZmqTransport } from "../../src/transports/zmq/transport.ts";
import { type IsAllowed, openZap } from "../../src/transports/zmq/zap.ts";
import { ANY_PORT, recordingLog } from "../hosts.ts";

const server = newKeyPair();
const own = newKeyPair();

/** Answers all that gets through with "in". */
const core: Core = {
  call: ({ codec }) => ({ code: "ok", codec, metadata: {}, body: [Buffer.from("in")] }),
  refuse: () => ({ code: "internal", message: "", details: {} }),
  drain: async () => undefined,
  load: () => ({ inFlight: 0, queued: 0, refused: 0, codes: {}, latency: { buckets: [], sumMs: 0 } }),
};

async function endpoint(context: Context, domain = "e", bind = ANY_PORT): Promise<string> {
  return (await openEndpoint(context, domain, bind)).address;
}

async function openEndpoint(context: Context, domain: string, bind = ANY_PORT) {
  const transport = createZmqTransport({
    endpoint: "e",
    places: { bind: [bind], connect: [], ipcMode: 0o600 },
    socketLimits: DEFAULTS.limits,
    limits: DEFAULTS.limits,
    framing: plainFraming("h", "raw"),
    lockStep: false,
    context,
    keys: { pair: server, domain },
    log: recordingLog(),
  });
  const [address = ""] = await transport.open();
  transport.serve(core);
  onTestFinished(() => transport.close());
  return { address, transport };
}

/** What a client with a key gets within a while. */
async function tryIn(address: string, receiveTimeout = 5000): Promise<string> {
  const context = new Context();
  const keys = { curveServerKey: server.publicKey, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey };
  const socket = new Request({ context, linger: 0, receiveTimeout, ...keys });
  const refused = new Promise<string>((resolve) => socket.events.on("handshake:error:auth", () => resolve("refused")));
  socket.connect(address);
  await socket.send("hello");
  const received = socket
    .receive()
    .then(([reply]) => String(reply))
    .catch(() => "nothing");
  const outcome = await Promise.race([received, refused]);
  socket.close();
  return outcome;
}

const SHORT_MS = 400;

test("without ZAP nobody gets in", async () => {
  expect(await tryIn(await endpoint(new Context()), SHORT_MS)).toBe("nothing");
});

test("with one that never answers nobody gets in", async () => {
  const context = new Context();
  const mute = new Router({ context, linger: 0 });
  onTestFinished(() => mute.close());
  await mute.bind("inproc://zeromq.zap.01");
  expect(await tryIn(await endpoint(context), SHORT_MS)).toBe("nothing");
});

test.each<[string, IsAllowed, string]>([
  ["says yes", () => true, "in"],
  ["says no", () => false, "refused"],
  [
    "throws",
    () => {
      throw new Error("broken");
    },
    "refused",
  ],
])("one that %s", async (_, isAllowed, outcome) => {
  const context = new Context();
  const zap = await openZap(context, recordingLog());
  onTestFinished(() => zap.close());
  const domain = zap.decide("e", isAllowed).name;
  const address = await endpoint(context, domain);
  expect(await tryIn(address)).toBe(outcome);
  expect(await tryIn(address)).toBe(outcome);
});

test("it is given the key that the client has, and decides no more once it is forgotten", async () => {
  const context = new Context();
  const zap = await openZap(context, recordingLog());
  onTestFinished(() => zap.close());
  const keys: string[] = [];
  const domain = zap.decide("e", (key) => keys.push(Buffer.from(key).toString("hex")) > 0);
  const address = await endpoint(context, domain.name);
  expect(await tryIn(address)).toBe("in");
  expect(keys).toHaveLength(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  domain.forget();
  expect(await tryIn(address, SHORT_MS)).toBe("nothing");
});

test("a client that comes while its socket is closed is not told no, which libzmq would take for ever, and gets into the next one", async () => {
  const context = new Context();
  const zap = await openZap(context, recordingLog());
  onTestFinished(() => zap.close());
  const first = zap.decide("e", () => true);
  const { address, transport } = await openEndpoint(context, first.name);
  first.forget();
  const outcome = tryIn(address);
  expect(await tryIn(address, SHORT_MS)).toBe("nothing");
  await transport.close();
  const { name } = zap.decide("e", () => true);
  // The system gives the address free a moment later.
  await expect.poll(() => endpoint(context, name, address).catch(() => "taken")).toBe(address);
  expect(await outcome).toBe("in");
});

test("a handler that has gone lets nobody in", async () => {
  const context = new Context();
  const zap = await openZap(context, recordingLog());
  const { name } = zap.decide("e", () => true);
  const address = await endpoint(context, name);
  expect(await tryIn(address)).toBe("in");
  await zap.close();
  expect(await tryIn(address, SHORT_MS)).toBe("nothing");
});

test("whoever asks it nonsense gets a no, and it goes on", async () => {
  const context = new Context();
  const log = recordingLog();
  const zap = await openZap(context, log);
  onTestFinished(() => zap.close());
  const { name } = zap.decide("e", () => true);
  const asker = new Dealer({ context, linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => asker.close());
  asker.connect("inproc://zeromq.zap.01");
  const key = Buffer.alloc(32);
  await asker.send(["", "1.0", "no such domain"]);
  for (const [frames, code] of [
    [["1.0", "1", name, "", "", "CURVE", key], "200"],
    [["2.0", "2", name, "", "", "CURVE", key], "400"],
    [["1.0", "3", name, "", "", "NULL"], "400"],
    [["1.0", "4", name, "", "", "PLAIN", "user", "password"], "400"],
    [["1.0", "5", name, "", "", "CURVE", "short"], "400"],
    [["1.0", "7", name, "", "", "CURVE", key], "200"],
  ] as const) {
    await asker.send(["", ...frames]);
    const [, version, id, status] = await asker.receive();
    expect([String(version), String(id), String(status)]).toEqual(["1.0", frames[1], code]);
  }
});

test("a host that begins where another has ended has its own ZAP at once", async () => {
  const context = new Context();
  for (let host = 0; host < 200; host++) await (await openZap(context, recordingLog())).close();
});
