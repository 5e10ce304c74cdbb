/**
 * What libzmq does with CURVE and half of what ZAP needs, and that no socket of ours has half of it. libzmq's words for it
 * are in zmq_setsockopt(3) under ZMQ_ZAP_DOMAIN and ZMQ_ZAP_ENFORCE_DOMAIN.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { Context, Request, Router } from "zeromq";
import { DEFAULTS } from "../../src/config/defaults.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { plainFraming } from "../../src/transports/zmq/framing.ts";
import { createZmqTransport, curveOptions } from "../../src/transports/zmq/transport.ts";
import { openZap } from "../../src/transports/zmq/zap.ts";
import { ANY_PORT, recordingLog } from "../hosts.ts";

const server = newKeyPair();
const own = newKeyPair();
const SERVER = { curveServer: true, curveSecretKey: server.secretKey };

/** A ROUTER that echoes, with these options in this context. */
async function bound(context: Context, options: object): Promise<string> {
  const socket = new Router({ context, linger: 0, ...SERVER, ...options });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  void (async () => {
    for await (const frames of socket) await socket.send(frames);
  })();
  return socket.lastEndpoint ?? "";
}

/** A ZAP handler that says no to all, and what domains it was asked about. */
async function naysayer(context: Context): Promise<string[]> {
  const asked: string[] = [];
  const socket = new Router({ context, linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind("inproc://zeromq.zap.01");
  void (async () => {
    for await (const frames of socket) {
      const end = frames.findIndex(({ length }) => length === 0) + 1;
      const [version = "", id = "", domain] = frames.slice(end);
      asked.push(String(domain));
      await socket.send([...frames.slice(0, end), version, id, "400", "no", "", ""]);
    }
  })();
  return asked;
}

async function tryIn(address: string): Promise<string> {
  const keys = { curveServerKey: server.publicKey, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey };
  const socket = new Request({ context: new Context(), linger: 0, ...keys });
  onTestFinished(() => socket.close());
  const { events } = socket;
  const outcome = new Promise<string>((resolve) => {
    events.on("handshake:error:auth", () => resolve("refused"));
    // Where nobody answers for ZAP the server hangs up.
    events.on("handshake:error:protocol", () => resolve("cut"));
    events.on("handshake:error:other", () => resolve("cut"));
  });
  socket.connect(address);
  await socket.send("hello");
  const reply = socket.receive().then(
    () => "in",
    () => "closed",
  );
  return Promise.race([outcome, reply]);
}

describe("libzmq", () => {
  test("with keys alone asks a handler, and without one lets anybody in", async () => {
    const context = new Context();
    const asked = await naysayer(context);
    expect([await tryIn(await bound(context, {})), asked]).toEqual(["refused", [""]]);
    expect(await tryIn(await bound(new Context(), {}))).toBe("in");
  });

  test("asks no handler where a domain is enforced that has no name: anybody gets in", async () => {
    const context = new Context();
    const asked = await naysayer(context);
    expect([await tryIn(await bound(context, { zapEnforceDomain: true })), asked]).toEqual(["in", []]);
  });

  test("lets anybody in where a domain is not enforced and there is no handler", async () => {
    expect(await tryIn(await bound(new Context(), { zapDomain: "e" }))).toBe("in");
  });

  test("lets nobody in with both, unless a handler says so", async () => {
    expect(await tryIn(await bound(new Context(), { zapDomain: "e", zapEnforceDomain: true }))).not.toBe("in");
    const context = new Context();
    const asked = await naysayer(context);
    const address = await bound(context, { zapDomain: "e", zapEnforceDomain: true });
    expect([await tryIn(address), asked]).toEqual(["refused", ["e"]]);
  });
});

describe("a socket of ours", () => {
  const transport = (context: Context, domain: string) =>
    createZmqTransport({
      endpoint: "e",
      places: { bind: [ANY_PORT], connect: [], ipcMode: 0o600 },
      socketLimits: DEFAULTS.limits,
      limits: DEFAULTS.limits,
      framing: plainFraming("h", "raw"),
      lockStep: false,
      context,
      keys: { pair: server, domain },
      log: recordingLog(),
    });

  test("has a domain and enforces it", () => {
    const socket = new Router(curveOptions({ pair: server, domain: "e" }));
    onTestFinished(() => socket.close());
    const { curveServer, zapDomain, zapEnforceDomain } = socket;
    expect({ curveServer, zapDomain, zapEnforceDomain }).toEqual({
      curveServer: true,
      zapDomain: "e",
      zapEnforceDomain: true,
    });
  });

  test("asks in its domain", async () => {
    const context = new Context();
    const asked = await naysayer(context);
    const made = transport(context, "a domain");
    onTestFinished(() => made.close());
    const [address = ""] = await made.open();
    expect([await tryIn(address), asked]).toEqual(["refused", ["a domain"]]);
  });

  test("is not made without a name for it", () => {
    expect(() => transport(new Context(), "")).toThrow("a domain of ZAP needs a name");
  });

  test("has a name of its own, whatever its endpoint is called", async () => {
    const zap = await openZap(new Context(), recordingLog());
    onTestFinished(() => zap.close());
    const names = ["e", "e", "", "f"].map((endpoint) => zap.decide(endpoint, () => true).name);
    expect(new Set(names).size).toBe(4);
    expect(names).not.toContain("");
  });
});
