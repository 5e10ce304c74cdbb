import type { ConfigInput } from "./schema.ts";

/** Types a configuration written in TypeScript or JavaScript; gives back what it got. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
