/** CURVE keys for who calls: certificates of the command line before those of the configuration. */
import type { CurveKeys } from "../client/connection.ts";
import type { EndpointConfig, TargetConfig } from "../config/effective.ts";
import { textOf } from "../errors.ts";
import { usageError } from "./failure.ts";

export interface KeyFlags {
  readonly serverKey?: string;
  readonly certificate?: string;
}

/** Paths of certificates; without one of one's own the pair is a new one. */
export interface KeyFiles {
  readonly serverKey: string;
  readonly certificate?: string;
}

/**
 * Undefined if there are none, and then nothing is loaded that deals with keys. Throws a usage error for a file that can't be
 * used, with its line.
 */
export async function readKeys(flags: KeyFlags, configured: KeyFiles | undefined): Promise<CurveKeys | undefined> {
  const { serverKey, certificate } = { ...configured, ...flags };
  if (serverKey === undefined) {
    if (certificate === undefined) return undefined;
    throw usageError("--certificate goes with --server-key, which is what the server is known by");
  }
  const [{ readKeyPair, readPublicKey }, { curveKeysFrom }] = await Promise.all([
    import("../curve/certificate.ts"),
    import("../client/curve.ts"),
  ]);
  try {
    const pair = certificate === undefined ? {} : await readKeyPair(certificate);
    return curveKeysFrom({ serverKey: await readPublicKey(serverKey), ...pair });
  } catch (error) {
    throw usageError(textOf(error));
  }
}

/** Of an endpoint of ours: its own certificate has the key by which it is known. */
export function keysOfEndpoint({ curve }: EndpointConfig): { files?: KeyFiles } {
  return curve === undefined ? {} : { files: { serverKey: curve.certificate } };
}

export function keysOfTarget({ curve }: TargetConfig): { files?: KeyFiles } {
  return curve === undefined ? {} : { files: curve };
}
