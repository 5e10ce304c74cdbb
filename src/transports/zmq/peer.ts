/** Who is at the other end of a connection, as a ROUTER knows it: by an id of libzmq's, five bytes as a rule. */
import type { Source } from "../../core/call.ts";

/** Where a call came from; the peer's id becomes text only when somebody asks. */
export class Peer implements Source {
  readonly transport = "zmq";
  readonly endpoint: string;
  readonly #id: Uint8Array;

  constructor(endpoint: string, id: Uint8Array) {
    this.endpoint = endpoint;
    this.#id = id;
  }

  get peer(): string {
    return Buffer.from(this.#id).toString("hex");
  }
}

/** An id as the key of a Map. */
export function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1");
}
