/**
 * A host has a context of its own, since ZAP, which decides on keys, is one a context. A context keeps its threads and
 * file descriptors until the process ends, so one that a host has done with serves the next.
 */
import { Context } from "zeromq";

const free: Context[] = [];

export function takeContext(): Context {
  return free.pop() ?? new Context();
}

/** All sockets in it must be closed. */
export function giveBackContext(context: Context): void {
  free.push(context);
}
