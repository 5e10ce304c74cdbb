/** What can be seen of a host from outside. */
import type { LoadedConfig } from "../config/load.ts";
import type { OpenEndpoint } from "../endpoint.ts";
import type { Introspection } from "../transports/zmq/framing.ts";
import type { NewsLine } from "../wire/page.ts";

/** An endpoint, for who calls it from within. */
export type Callable = Pick<OpenEndpoint, "config" | "addresses" | "serves" | "findCodec" | "answer">;

export interface HostView {
  /** Of all handlers and endpoints. */
  readonly introspection: Introspection;
  /** The configuration that is in effect. */
  config(): LoadedConfig;
  /** Whether there is a handler of that name, one that works or not. Safe with a name from the wire. */
  isHandler(name: string): boolean;
  /** Why it can't serve all it should, a line for each reason; empty if it can. */
  lacks(): readonly string[];
  /** Those that are open, by name. */
  readonly endpoints: ReadonlyMap<string, Callable>;
  /** What it last said in its log, after the line with this id. */
  news(after: number): readonly NewsLine[];
}
