/** What can be seen of a host from outside. */
import type { LoadedConfig } from "../config/load.ts";
import type { Introspection } from "../transports/zmq/framing.ts";

export interface HostView {
  /** Of all handlers and endpoints. */
  readonly introspection: Introspection;
  /** The configuration that is in effect. */
  config(): LoadedConfig;
  /** Why it can't serve all it should, a line for each reason; empty if it can. */
  lacks(): readonly string[];
}
