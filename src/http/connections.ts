/**
 * Room for whoever comes: when there are as many connections as there may be, the one that has asked for nothing longest goes. So
 * strangers who hold connections can't keep out a probe whose verdict may end the host.
 */
import type { Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface Connections {
  /** Whether a response is under way there. */
  isAnswering(socket: Duplex): boolean;
}

/** @param most how many there may be at once; if all of them are being answered, newcomers are hung up on */
export function limitConnections(server: Server, most: number): Connections {
  /** How many answers are under way in each; those in which there are none stand in the order in which the last one ended. */
  const answers = new Map<Duplex, number>();

  function makeRoom(): boolean {
    if (answers.size < most) return true;
    for (const [socket, count] of answers) {
      if (count > 0) continue;
      answers.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  function ended(socket: Duplex): void {
    const count = answers.get(socket);
    if (count === undefined) return;
    answers.delete(socket);
    answers.set(socket, count - 1);
  }

  server.on("connection", (socket) => {
    if (!makeRoom()) return void socket.destroy();
    answers.set(socket, 0);
    socket.once("close", () => answers.delete(socket));
    // A program ends when nothing of its own is left to do, whoever is connected here.
    socket.unref();
  });
  server.on("request", ({ socket }, response: ServerResponse) => {
    const count = answers.get(socket);
    if (count !== undefined) answers.set(socket, count + 1);
    response.once("close", () => ended(socket));
  });
  return { isAnswering: (socket) => (answers.get(socket) ?? 0) > 0 };
}
