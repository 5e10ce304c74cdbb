/** The keys of endpoints that ask for some: their own pair, and whom they let in. Read anew at each look at the disk. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/effective.ts";
import type { Path } from "../config/path.ts";
import { textOf } from "../errors.ts";
import { createAllowedReader, SUFFIX } from "./allowed.ts";
import { readKeyPair } from "./certificate.ts";
import type { KeyPair } from "./pair.ts";
import { encodeZ85 } from "./z85.ts";

export interface Keyring {
  readonly pair: KeyPair;
  /** Public keys, in Z85. */
  readonly allowed: ReadonlySet<string>;
  /** What it was read from, */
  readonly source: CurveConfig;
  /** and when that began, as `performance.now()` has it: of two from one source the later counts. */
  readonly readAt: number;
}

type CurveConfig = NonNullable<Config["endpoints"][string]["curve"]>;

/** What is wrong at a place of the configuration. */
interface Trouble {
  readonly path: Path;
  readonly message: string;
}

/** What {@link createKeyringReader} finds. */
export interface Keyrings {
  /**
   * By endpoint. What can't be read fails closed: a folder lets nobody in. A pair goes on as it was last; without one the
   * endpoint has no keyring, and a problem.
   */
  readonly byEndpoint: ReadonlyMap<string, Keyring>;
  readonly problems: readonly Trouble[];
  /** What does not stop an endpoint: a file that lets nobody in, though it is there to. */
  readonly notices: readonly Trouble[];
  /** What they were read from, absolute. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Reads keyrings, and remembers the pairs that could be read. */
export function createKeyringReader(): (
  endpoints: Readonly<Record<string, { readonly curve?: CurveConfig | undefined }>>,
) => Promise<Keyrings> {
  const pairs = new Map<string, KeyPair>();
  const readAllowed = createAllowedReader();

  return async (endpoints) => {
    const byEndpoint = new Map<string, Keyring>();
    const problems: Trouble[] = [];
    const notices: Trouble[] = [];
    const files: string[] = [];
    const folders: string[] = [];
    for (const [name, { curve }] of Object.entries(endpoints)) {
      if (curve === undefined) continue;
      const path = ["endpoints", name, "curve"];
      const readAt = performance.now();
      files.push(curve.certificate);
      folders.push(curve.allow);
      try {
        pairs.set(curve.certificate, await readKeyPair(curve.certificate));
      } catch (error) {
        problems.push({ path: [...path, "certificate"], message: textOf(error) });
      }
      const allowed = new Set<string>();
      try {
        const found = await readAllowed(curve.allow);
        for (const key of found.keys) allowed.add(key);
        files.push(...found.links);
        for (const message of found.unread) notices.push({ path: [...path, "allow"], message });
        if (allowed.size === 0) notices.push({ path: [...path, "allow"], message: nobody(curve.allow) });
      } catch (error) {
        problems.push({ path: [...path, "allow"], message: `${curve.allow}: ${wordsFor(error)}; nobody is let in` });
      }
      const pair = pairs.get(curve.certificate);
      if (pair !== undefined) byEndpoint.set(name, { pair, allowed, source: curve, readAt });
    }
    return { byEndpoint, problems, notices, files, folders };
  };
}

/** Whether a keyring lets in who has a key, of 32 bytes, as ZAP has them. Without one nobody is let in. */
export function isAllowed(keyring: Keyring | undefined, key: Uint8Array): boolean {
  return keyring?.allowed.has(encodeZ85(key)) ?? false;
}

/** The later of those that were read from there. */
export function newestOf(source: CurveConfig, ...keyrings: readonly (Keyring | undefined)[]): Keyring | undefined {
  return keyrings
    .filter((keyring) => keyring !== undefined)
    .filter((keyring) => isDeepStrictEqual(keyring.source, source))
    .reduce<Keyring | undefined>(
      (best, next) => (best !== undefined && best.readAt >= next.readAt ? best : next),
      undefined,
    );
}

/** All by which a connection may have come about: a key of a client's, and the server's own. */
export function keysIn({ pair, allowed }: Keyring): readonly string[] {
  return [pair.secretKey, ...allowed];
}

function nobody(folder: string): string {
  return `${folder} has no certificate (a file that ends in ${SUFFIX}), so nobody is let in`;
}

function wordsFor(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "there is no such folder";
    case "ENOTDIR":
      return "this is no folder";
    case "EACCES":
      return "it may not be read by this user";
    default:
      return textOf(error);
  }
}
