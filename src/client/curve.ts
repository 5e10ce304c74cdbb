/** A client's CURVE keys (https://rfc.zeromq.org/spec/26/): the server's, by which it is known, and a pair by which the server knows us. */
import { isPair, newKeyPair } from "../curve/pair.ts";
import { decodeZ85 } from "../curve/z85.ts";
import { ZmqEchoError } from "../errors.ts";
import type { CurveKeys } from "./connection.ts";

/** Keys are text in Z85, 40 characters each. */
export interface CurveOptions {
  /** The server's public key. A server with another one is not talked to. */
  readonly serverKey: string;
  /** One's own pair, both of it or neither. Default: a new one for each client, which only a server that takes any key accepts. */
  readonly publicKey?: string;
  readonly secretKey?: string;
}

const KEY_CHARACTERS = 40;

/** Throws `invalid_argument` for what is no key, or half a pair; the text never holds a key. */
export function curveKeysFrom({ serverKey, publicKey, secretKey }: CurveOptions): CurveKeys {
  checkKey("serverKey", serverKey);
  if (publicKey === undefined && secretKey === undefined) return { serverKey, ...newKeyPair(), isNew: true };
  if (publicKey === undefined || secretKey === undefined) {
    const [given, missing] = publicKey === undefined ? ["secretKey", "publicKey"] : ["publicKey", "secretKey"];
    throw new ZmqEchoError("invalid_argument", `curve.${given} goes with curve.${missing}; give the pair, or neither`);
  }
  checkKey("publicKey", publicKey);
  checkKey("secretKey", secretKey);
  if (!isPair({ publicKey, secretKey }))
    throw new ZmqEchoError("invalid_argument", "curve.publicKey and curve.secretKey are no pair");
  return { serverKey, publicKey, secretKey, isNew: false };
}

function checkKey(name: keyof CurveOptions, key: unknown): void {
  if (typeof key === "string" && key.length === KEY_CHARACTERS && decodeZ85(key) !== undefined) return;
  throw new ZmqEchoError("invalid_argument", `curve.${name} is no key: one is ${KEY_CHARACTERS} characters of Z85`);
}
