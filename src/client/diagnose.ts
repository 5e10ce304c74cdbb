/** Why a server can't be used, in plain words, from what became of a connection and from a look at it. */
import { ZmqEchoError } from "../errors.ts";
import type { Trouble } from "../transports/zmq/trouble.ts";
import type { CurveKeys } from "./connection.ts";
import { type Greeted, look, type Sighting } from "./look.ts";
import { type Wait, waitFor } from "./wait.ts";

/** However long the caller would wait. */
const LONGEST_LOOK_MS = 1000;

export interface Diagnosis {
  /** `unauthenticated` if the same try would end in the same way, for lack of the right keys. */
  readonly code: "unavailable" | "unauthenticated";
  /** One line, with the address. */
  readonly text: string;
  /** A server is there that takes requests, so it may only have been too soon. */
  readonly isThere?: boolean;
}

/** What is known before the look. */
export interface Known {
  /** Ours; without any it is a connection that asks for nothing. */
  readonly curve?: CurveKeys | undefined;
  readonly trouble?: Trouble | undefined;
}

/** Takes `withinMs`, and a second at most. Never rejects. */
export async function diagnose(address: string, withinMs: number, known: Known = {}): Promise<Diagnosis> {
  const { curve, trouble } = known;
  const diagnosis = (code: Diagnosis["code"], words: string): Diagnosis => ({ code, text: `${address}: ${words}` });
  if (trouble === "refused") return diagnosis("unauthenticated", wordsForRefusal(curve));
  if (trouble === "unchecked")
    return diagnosis("unavailable", "the server can't tell whether it takes us: its check of keys failed (ZAP 500)");
  const seen = await look(address, Math.min(withinMs, LONGEST_LOOK_MS));
  // libzmq, which can, has looked before.
  if (seen.kind === "unreached" && seen.code === "ABSTRACT") {
    return trouble === "mismatch"
      ? diagnosis("unauthenticated", curve === undefined ? "the server asks for keys or a password" : NO_CURVE)
      : diagnosis("unavailable", "nobody serves this socket");
  }
  if (asksForOther(seen, curve)) return diagnosis("unauthenticated", troubleWith(seen, curve));
  if (curve === undefined && takesRequests(seen))
    return {
      ...diagnosis("unavailable", `a ${seen.socketType} socket is there, but the connection did not hold`),
      isThere: true,
    };
  if (seen.kind === "zeromq" && curve !== undefined && trouble === "cut") return diagnosis("unauthenticated", CUT);
  return diagnosis("unavailable", troubleWith(seen, curve));
}

/** Servers, and what is known of them by the time of a look. */
type Suspects = readonly { readonly address: string; readonly trouble?: Trouble | undefined }[];

/** Looks why none of the servers can be used; one look at a time, since thousands of calls may fail for one reason. */
export function createLookWhy(servers: Suspects, curve: CurveKeys | undefined) {
  let looking: Promise<Diagnosis[]> | undefined;
  return function lookWhy(wait: Wait, withinMs: number): Promise<Diagnosis[]> {
    looking ??= Promise.all(
      servers.map(({ address, trouble }) => diagnose(address, withinMs, { curve, trouble })),
    ).finally(() => {
      looking = undefined;
    });
    const found = looking;
    // It ends by itself; only the caller may be in a greater hurry.
    const unhurried = { ...wait, expiresAt: performance.now() + LONGEST_LOOK_MS * 2 };
    return waitFor<Diagnosis[]>(
      unhurried,
      () => new ZmqEchoError("unavailable", "nobody answered, and why was not to be seen in time"),
      (waiting) =>
        void found.then(
          (diagnoses) => waiting.resolve(diagnoses),
          (error: unknown) => waiting.reject(error),
        ),
    );
  };
}

/** What a call fails with that found none of its servers: `unauthenticated` if keys are all that is wrong. @param suffix behind the reasons */
export function errorFrom(diagnoses: readonly Diagnosis[], suffix: string): ZmqEchoError {
  const text = diagnoses.map(({ text }) => text).join("; ") + suffix;
  return new ZmqEchoError(isForKeys(diagnoses) ? "unauthenticated" : "unavailable", text);
}

/** Whether it is the keys alone that are wrong, wherever one looks. */
export function isForKeys(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.every(({ code }) => code === "unauthenticated");
}

/** Whether a REP or ROUTER is there, that asks for nothing before it takes a request. */
export function takesRequests(seen: Sighting): seen is Greeted & { readonly socketType: string } {
  return seen.kind === "zeromq" && seen.mechanism === "NULL" && /^(REP|ROUTER)$/.test(seen.socketType ?? "");
}

/** Whether a peer is there whose security is another than ours. */
export function asksForOther(seen: Sighting, curve: CurveKeys | undefined): boolean {
  return seen.kind === "zeromq" && seen.mechanism !== (curve === undefined ? "NULL" : "CURVE");
}

/** What stands in the way of a request. */
export function troubleWith(seen: Sighting, curve?: CurveKeys): string {
  switch (seen.kind) {
    case "unreached":
      return wordsForNoConnection(seen);
    case "silent":
      return "connected, but it says nothing: not a ZeroMQ peer";
    case "closed":
      return "it closes the connection at once: not a ZeroMQ peer, or a tap whose server is not there";
    case "cut":
      return "it cuts the connection: not a ZeroMQ peer";
    case "stranger":
      return `not ZeroMQ${seen.protocol === undefined ? "; something else is there" : ` (it speaks ${seen.protocol})`}`;
    case "old":
      return "a peer with an older ZeroMQ protocol, or none, is there";
    case "zeromq":
      return wordsForPeer(seen, curve);
  }
}

const NO_CURVE = "the server does not ask for CURVE keys";
/**
 * libzmq's server hangs up without a word if it can't open what we encrypted for it, if nobody answers for ZAP there, and
 * if its socket is of another type: from here these are all the same.
 */
const CUT =
  "the server cuts the CURVE handshake: its key is another than the server key given, or it can't check ours, or it is no REP or ROUTER";

function wordsForPeer({ mechanism, socketType }: Greeted, curve: CurveKeys | undefined): string {
  if (mechanism === "CURVE" && curve !== undefined)
    return "the server asks for CURVE keys, and the handshake with ours did not come to its end";
  if (mechanism === "CURVE")
    return 'the server asks for CURVE keys; give its public key, as --server-key or as "curve"';
  if (mechanism === "PLAIN") return "the server asks for a name and a password (PLAIN)";
  if (mechanism !== "NULL") return `the server asks for ${mechanism || "an unknown"} security`;
  if (curve !== undefined)
    return 'the server asks for no keys, so whatever is sent would not be encrypted; leave out --server-key or "curve" to talk to it so';
  if (socketType === undefined) return "a ZeroMQ peer that does not finish its handshake is there";
  return `a ${socketType} socket is there; requests need a REP or ROUTER`;
}

function wordsForRefusal(curve: CurveKeys | undefined): string {
  if (curve === undefined) return "the server refuses this client (ZAP 400)";
  return curve.isNew
    ? 'the server refuses our key, which is a new one (ZAP 400); give one that it allows, as --certificate or in "curve"'
    : "the server refuses our key (ZAP 400); its public half is to be among those that the server allows";
}

function wordsForNoConnection({ code, message }: Extract<Sighting, { kind: "unreached" }>): string {
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused; nobody listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NONAME":
      return "no such host";
    case "ENOENT":
      return "no such socket";
    case "EACCES":
      return "no permission to use this socket";
    case "ENOTSOCK":
      return "a file that is no socket is there";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no way to that host";
    default:
      return message;
  }
}
