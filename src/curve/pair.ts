/** Pairs of CURVE keys. They are those of X25519, which Node makes and checks without libzmq. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { decodeZ85, encodeZ85 } from "./z85.ts";

/** Both in Z85, 40 characters each. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** PKCS #8 before the 32 bytes of a secret key. */
const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEY_BYTES = 32;

export function newKeyPair(): KeyPair {
  const { x = "", d = "" } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const inZ85 = (key: string) => encodeZ85(Buffer.from(key, "base64url"));
  return { publicKey: inZ85(x), secretKey: inZ85(d) };
}

/** Whether the two belong together. A server hangs up on one whose keys do not, without a word. */
export function isPair({ publicKey, secretKey }: KeyPair): boolean {
  const secret = decodeZ85(secretKey);
  if (secret?.length !== KEY_BYTES) return false;
  const der = Buffer.concat([PKCS8_X25519, secret]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return encodeZ85(key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES)) === publicKey;
}
