/**
 * CURVE keys in files as CZMQ keeps them, and pyzmq's `zmq.auth` and `zmakecert`: ZPL (https://rfc.zeromq.org/spec/4/) with a
 * section `curve`. What a key is never stands in an error.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { textOf, ZmqEchoError } from "../errors.ts";
import { decodeZ85, encodeZ85 } from "./z85.ts";

/** Both in Z85, 40 characters each. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

const KEY_CHARACTERS = 40;
/** What comes with a certificate are a few lines. */
const LONGEST_FILE_BYTES = 65_536;

/** A new pair. CURVE's keys are those of X25519, which Node can make without libzmq. */
export function newKeyPair(): KeyPair {
  const { x = "", d = "" } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const inZ85 = (key: string) => encodeZ85(Buffer.from(key, "base64url"));
  return { publicKey: inZ85(x), secretKey: inZ85(d) };
}

/** Both in Z85, 40 characters each. */
export interface Certificate {
  readonly publicKey: string;
  /** Absent in a public certificate. */
  readonly secretKey?: string;
}

/**
 * Reads a certificate as `zmqecho keygen`, CZMQ and pyzmq's `zmq.auth` write them, public or secret.
 * Rejects with `invalid_argument`, naming file and line, for a file that can't be read or is none, and for keys that are no pair.
 */
export async function readCertificate(file: string): Promise<Certificate> {
  const certificate = parseCertificate(await readText(file), file);
  const { publicKey, secretKey } = certificate;
  if (secretKey !== undefined && publicKeyOf(secretKey) !== publicKey)
    throw wrong(file, "its public-key and its secret-key are no pair");
  return certificate;
}

/** The key pair in a secret certificate. Rejects as `readCertificate` does, and for a public one. */
export async function readKeyPair(file: string): Promise<KeyPair> {
  const { publicKey, secretKey } = await readCertificate(file);
  if (secretKey === undefined) throw wrong(file, "it has no secret-key; the secret certificate ends in .key_secret");
  return { publicKey, secretKey };
}

/** The public key in a certificate, public or secret. Rejects as `readCertificate` does. */
export async function readPublicKey(file: string): Promise<string> {
  return (await readCertificate(file)).publicKey;
}

/** Throws `invalid_argument` for what is no certificate. @param file for the errors */
function parseCertificate(text: string, file: string): Certificate {
  const keys = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, indent = "", name, value = ""] = /^(\s*)(public-key|secret-key)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    const place = `${file}:${index + 1}:${indent.length + 1}`;
    if (keys.has(name)) throw wrong(place, `a second ${name}`);
    const key = /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;
    if (key.length !== KEY_CHARACTERS || decodeZ85(key) === undefined)
      throw wrong(place, `the ${name} is not ${KEY_CHARACTERS} characters of Z85`);
    keys.set(name, key);
  }
  const publicKey = keys.get("public-key");
  if (publicKey === undefined) throw wrong(file, "it is no certificate: it has no public-key");
  const secretKey = keys.get("secret-key");
  return { publicKey, ...(secretKey !== undefined && { secretKey }) };
}

/** Both files as CZMQ writes them. */
export function certificateTexts({ publicKey, secretKey }: KeyPair): {
  readonly public: string;
  readonly secret: string;
} {
  const head = (what: string) =>
    `#   ZeroMQ CURVE ${what} certificate, made by zmqecho at ${new Date().toISOString()}\n`;
  const body = `metadata\ncurve\n    public-key = "${publicKey}"\n`;
  return {
    public: `${head("public")}#   May be given to whoever is to know it.\n\n${body}`,
    secret: `${head("secret")}#   For nobody but its owner.\n\n${body}    secret-key = "${secretKey}"\n`,
  };
}

/** PKCS #8 before the 32 bytes of a key for X25519, which CURVE's keys are for. */
const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");

function publicKeyOf(secretKey: string): string {
  const der = Buffer.concat([PKCS8_X25519, decodeZ85(secretKey) ?? Buffer.alloc(32)]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return encodeZ85(key.export({ format: "der", type: "spki" }).subarray(-32));
}

async function readText(file: string): Promise<string> {
  try {
    // Not to wait for who may write to a pipe.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error("this is no file");
    if (facts.size > LONGEST_FILE_BYTES) throw new Error("it is too large to be a certificate");
    return await handle.readFile("utf8");
  } catch (cause) {
    throw new ZmqEchoError("invalid_argument", `${file}: ${wordsFor(cause)}`, { cause });
  }
}

function wordsFor(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file; zmqecho keygen makes a pair of keys";
  if (code === "EACCES") return "it may not be read by this user";
  return textOf(cause);
}

function wrong(place: string, what: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", `${place}: ${what}`);
}
