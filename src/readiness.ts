/** Whether a host serves all that its configuration names. */
import type { Config, EndpointConfig } from "./config/effective.ts";
import type { HandlerSlot } from "./loader/slot.ts";

export interface ReadinessFacts {
  /** Of the configuration that is in effect. */
  readonly endpoints: Config["endpoints"];
  /** Those that are served now, by name. */
  readonly open: { has(endpoint: string): boolean };
  find(handler: string): HandlerSlot | undefined;
}

/** What is missing, a line for each, in the order of the configuration. Patterns name no handler, so none of theirs is missing. */
export function lacksOf({ endpoints, open, find }: ReadinessFacts): string[] {
  return Object.entries(endpoints).flatMap(([name, endpoint]) => {
    if (!open.has(name)) return [`endpoint ${name} is not open`];
    return namedBy(endpoint)
      .filter((handler) => find(handler)?.version === undefined)
      .map((handler) => `handler ${handler} of endpoint ${name} does not work`);
  });
}

function namedBy({ handler, handlers = [] }: EndpointConfig): string[] {
  return handler === undefined ? handlers.filter((pattern) => !pattern.endsWith("*")) : [handler];
}
