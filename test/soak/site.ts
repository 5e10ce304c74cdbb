/** What the host of a soak serves, and how it is edited while it does. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigInput } from "../../src/config/schema.ts";
import { folderWith } from "../config/folder.ts";

export interface Site {
  readonly folder: string;
  /** In the order in which they are bound. */
  readonly endpoints: readonly string[];
  /** Another version of every plugin. */
  editPlugins(): void;
  /** Another queue for an endpoint. */
  editConfig(): void;
}

export function createSite(): Site {
  const endpoints: ConfigInput["endpoints"] = {
    byName: { bind: "tcp://127.0.0.1:*", handlers: ["*"], concurrency: 64 },
    lockStep: { bind: "tcp://127.0.0.1:*", handler: "mirror", codec: "json" },
    raw: { bind: "tcp://127.0.0.1:*", handler: "mirror", codec: "raw", concurrency: 16 },
  };
  const config = (queue: number): string =>
    JSON.stringify({
      handlers: { walled: { pool: { maxWorkers: 1 } } },
      endpoints: { ...endpoints, raw: { ...endpoints.raw, queue } },
    });
  const plugin = (version: number, rest = ""): string =>
    `export const version = ${version}; export default { ${rest} handle: (input) => input };`;
  const walled = "isolation: 'thread',";
  const folder = folderWith({
    "zmqecho.config.json": config(256),
    "plugins/mirror.mjs": plugin(0),
    "plugins/walled.mjs": plugin(0, walled),
  });
  let version = 0;
  let queue = 256;
  return {
    folder,
    endpoints: Object.keys(endpoints),
    editPlugins() {
      version++;
      writeFileSync(join(folder, "plugins/mirror.mjs"), plugin(version));
      writeFileSync(join(folder, "plugins/walled.mjs"), plugin(version, walled));
    },
    editConfig() {
      queue = queue === 256 ? 255 : 256;
      const file = join(folder, "zmqecho.config.json");
      const text = config(queue);
      if (readFileSync(file, "utf8") !== text) writeFileSync(file, text);
    },
  };
}
