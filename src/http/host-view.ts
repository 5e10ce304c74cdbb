/** What can be seen of a host from outside. */
import type { LoadedConfig } from "../config/load.ts";
import type { Introspection } from "../transports/zmq/framing.ts";

export interface HostView {
  /** Of all handlers and endpoints. */
  readonly introspection: Introspection;
  /** The configuration that is in effect. */
  config(): LoadedConfig;
  /** Whether there is a handler of that name, one that works or not. Safe with a name from the wire. */
  isHandler(name: string): boolean;
  /** Why it can't serve all it should, a line for each reason; empty if it can. */
  lacks(): readonly string[];
}
