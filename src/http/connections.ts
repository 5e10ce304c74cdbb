/**
 * Room for whoever comes: when there are more connections than there may be, those go that have asked for nothing longest. So strangers who
 * hold connections can't keep out a probe whose verdict may end the host.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface ConnectionLimits {
  /** How many stay; of more that come at once some are hung up on a moment later. */
  readonly connections: number;
  /** How many requests of one may be under way. More are sent by nobody who means well, and the connection ends. */
  readonly pipelined: number;
}

export interface Connections {
  /** Whether a response is under way there. */
  isAnswering(socket: Duplex): boolean;
}

/** Within this time a newcomer's request is read, however many came with it. */
const MOMENT_MS = 50;
/** So many times more there may be for a moment. */
const CROWD = 8;

/** Those in which a response is being made are never hung up on: if all are, newcomers are. */
export function limitConnections(server: Server, { connections, pipelined }: ConnectionLimits): Connections {
  /** What each is being told; those that have been told all stand in the order of their last response. */
  const told = new Map<Duplex, Set<ServerResponse>>();
  let isTrimming = false;

  function trim(): void {
    isTrimming = false;
    for (const [socket, responses] of told) {
      if (told.size <= connections) return;
      // One that is whole and not read yet holds nobody up but its reader.
      if ([...responses].every(({ writableEnded }) => writableEnded)) hangUp(socket);
    }
  }

  function hangUp(socket: Duplex): void {
    told.delete(socket);
    socket.destroy();
  }

  server.on("connection", (socket) => {
    if (told.size >= connections * CROWD) trim();
    if (told.size >= connections * CROWD) return void socket.destroy();
    told.set(socket, new Set());
    socket.once("close", () => told.delete(socket));
    // A program ends when nothing of its own is left to do, whoever is connected here.
    socket.unref();
    if (told.size <= connections || isTrimming) return;
    isTrimming = true;
    setTimeout(trim, MOMENT_MS).unref();
  });

  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = told.get(socket);
    if (responses === undefined) return;
    responses.add(response);
    if (responses.size > pipelined) return hangUp(socket);
    response.once("close", () => {
      responses.delete(response);
      if (!told.delete(socket)) return;
      told.set(socket, responses);
    });
  });

  return { isAnswering: (socket) => (told.get(socket)?.size ?? 0) > 0 };
}
