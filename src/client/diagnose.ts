/** Why a server can't be used, in plain words, from a look at it. */
import { type Greeted, look, type Sighting } from "./look.ts";

/** However long the caller would wait. */
export const LONGEST_LOOK_MS = 1000;

/** One line about the address. Takes `withinMs`, and a second at most. Never rejects. */
export async function diagnose(address: string, withinMs: number): Promise<string> {
  const seen = await look(address, Math.min(withinMs, LONGEST_LOOK_MS));
  if (takesRequests(seen)) return `${address}: a ${seen.socketType} socket is there, but the connection did not hold`;
  // libzmq, which can, has looked before.
  if (seen.kind === "unreached" && seen.code === "ABSTRACT") return `${address}: nobody serves this socket`;
  return `${address}: ${troubleWith(seen)}`;
}

/** Whether a REP or ROUTER is there, that asks for nothing before it takes a request. */
export function takesRequests(seen: Sighting): seen is Greeted & { readonly socketType: string } {
  return seen.kind === "zeromq" && seen.mechanism === "NULL" && /^(REP|ROUTER)$/.test(seen.socketType ?? "");
}

/** What stands in the way of a request. */
export function troubleWith(seen: Sighting): string {
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
      return wordsForPeer(seen);
  }
}

function wordsForPeer({ mechanism, socketType }: Greeted): string {
  if (mechanism === "CURVE") return "the server asks for CURVE keys";
  if (mechanism === "PLAIN") return "the server asks for a name and a password (PLAIN)";
  if (mechanism !== "NULL") return `the server asks for ${mechanism || "an unknown"} security`;
  if (socketType === undefined) return "a ZeroMQ peer that does not finish its handshake is there";
  return `a ${socketType} socket is there; requests need a REP or ROUTER`;
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
