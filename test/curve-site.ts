/** A folder of certificates for a host that asks for keys, and clients of libzmq's own with keys, or none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { type curveKeyPair, Request } from "zeromq";
import { certificateTexts } from "../src/curve/certificate.ts";
import { newKeyPair } from "../src/curve/pair.ts";

export type Pair = ReturnType<typeof curveKeyPair>;

/** A folder with the host's certificate and the folder of those who are let in. */
export function site(...allowed: readonly [name: string, pair: Pair][]) {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-curve-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const server = newKeyPair();
  const certificate = join(folder, "host.key_secret");
  const allow = join(folder, "clients");
  writeFileSync(certificate, certificateTexts(server).secret);
  mkdirSync(allow);
  const letIn = (name: string, { publicKey, secretKey }: Pair) =>
    writeFileSync(join(allow, `${name}.key`), certificateTexts({ publicKey, secretKey }).public);
  for (const [name, pair] of allowed) letIn(name, pair);
  const curve = { certificate, allow };
  return { folder, server, curve, allow, letIn, refuse: (name: string) => rmSync(join(allow, `${name}.key`)) };
}

/** What it gets within a while. Once libzmq has given the connection up, it can't send either. */
export async function gets(socket: Request): Promise<string> {
  socket.sendTimeout = 500;
  socket.receiveTimeout = 500;
  try {
    await socket.send("hello");
    return String((await socket.receive())[0]);
  } catch (error) {
    expect(error).toMatchObject({ code: "EAGAIN" });
    return "nothing";
  }
}

export function happens(socket: Request, event: "disconnect" | "handshake:error:auth"): Promise<void> {
  return new Promise((resolve) => socket.events.on(event, () => resolve()));
}

/** A REQ with keys, or none. */
export function client(address: string, keys?: { server: Pair; own: Pair }) {
  const socket = new Request({
    linger: 0,
    receiveTimeout: 5000,
    ...(keys && {
      curveServerKey: keys.server.publicKey,
      curvePublicKey: keys.own.publicKey,
      curveSecretKey: keys.own.secretKey,
    }),
  });
  onTestFinished(() => socket.close());
  const refused = happens(socket, "handshake:error:auth").then(() => "refused");
  socket.connect(address);
  return {
    socket,
    /** What becomes of a request: its answer, or that the key was refused. */
    async ask(text: string): Promise<string> {
      await socket.send(text);
      return Promise.race([socket.receive().then(([reply]) => String(reply)), refused]);
    },
  };
}
