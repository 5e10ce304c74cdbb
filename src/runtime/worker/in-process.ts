import { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";
import { read, write } from "../link/pipe.ts";
import type { Connect } from "./connection.ts";

/** A process's way to its host: the pipe that it finds as its fourth file. Without a host it has nothing to do. */
export const connect: Connect = (receive) => {
  // A terminal and systemd send these to the whole group; the host decides what they mean.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  const pipe = new Socket({ fd: 3, readable: true, writable: true });
  pipe.on("error", () => {});
  pipe.on("close", () => process.exit());
  read(pipe, receive);
  return {
    send: (message) => write(pipe, message),
    copy: (value) => deserialize(serialize(value)),
    leave: (code) => pipe.end(() => process.exit(code)),
  };
};
