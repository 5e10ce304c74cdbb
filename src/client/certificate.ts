/** The library's way to the keys in a file. */
import { readFile } from "node:fs/promises";
import { parseCertificate, readKeyPair, readPublicKey } from "../curve/certificate.ts";

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
  // First as what every certificate is, which says what is wrong with a file.
  const publicKey = await readPublicKey(file);
  const isSecret = parseCertificate(await readFile(file, "utf8"), file).secretKey !== undefined;
  return isSecret ? readKeyPair(file) : { publicKey };
}
