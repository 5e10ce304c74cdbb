/**
 * CURVE keys in files as CZMQ keeps them, and pyzmq's `zmq.auth` and `zmakecert`: ZPL (https://rfc.zeromq.org/spec/4/) with a
 * section `curve`. What a key is never stands in an error.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { textOf, ZmqEchoError } from "../errors.ts";
import { isPair, type KeyPair } from "./pair.ts";
import { decodeZ85 } from "./z85.ts";

const KEY_CHARACTERS = 40;
const KEYS_SECTION = "curve";
/** What comes with a certificate are a few lines. */
const LONGEST_FILE_BYTES = 65_536;

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
  if (secretKey !== undefined && !isPair({ publicKey, secretKey }))
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
  let section = KEYS_SECTION;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, indent = "", name, rest = ""] = /^(\s*)(public-key|secret-key)\s*=(.*)$/s.exec(line) ?? [];
    if (name === undefined) section = /^\ufeff?([\w-]+)/.exec(line)?.[1] ?? section;
    // Metadata may have any names, even those.
    if (name === undefined || section !== KEYS_SECTION) continue;
    const value = rest.trim();
    const place = `${file}:${index + 1}:${indent.length + 1}`;
    if (keys.has(name)) throw wrong(place, `a second ${name}`);
    const key = /^(["'])(.*?)\1\s*(#.*)?$/.exec(value)?.[2] ?? value;
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

async function readText(file: string): Promise<string> {
  try {
    // Without O_NONBLOCK the open of a pipe waits for one who writes, and no key that goes would be followed any more.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await handle.stat()).isFile()) throw new Error("this is no plain file");
    const buffer = Buffer.alloc(LONGEST_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = (await handle.read(buffer, length, buffer.length - length)).bytesRead;
    if (length > LONGEST_FILE_BYTES) throw new Error("it is too large to be a certificate");
    return buffer.toString("utf8", 0, length);
  } catch (cause) {
    // Its text and its cause have the path.
    if (endsInKey(file)) throw new ZmqEchoError("invalid_argument", KEY_FOR_PATH);
    throw new ZmqEchoError("invalid_argument", `${file}: ${wordsFor(cause)}`, { cause });
  }
}

const KEY_FOR_PATH =
  "a key stands where the path of a certificate belongs, and is not repeated here; zmqecho keygen makes certificates";

/** Whether somebody has given a key for a path: Z85 with characters that no path of a sensible person has. */
function endsInKey(path: string): boolean {
  const end = path.slice(-KEY_CHARACTERS);
  return end.length === KEY_CHARACTERS && /[^\w./:=+ -]/.test(end) && decodeZ85(end) !== undefined;
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
