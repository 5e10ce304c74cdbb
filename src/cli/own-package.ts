/** This package itself, as it is installed. Seen from src/cli and from dist/cli alike. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export function ownVersion(): string {
  return (createRequire(import.meta.url)("../../package.json") as { version: string }).version;
}

/** The JSON Schema of the configuration. */
export const SCHEMA_FILE = fileURLToPath(new URL("../../config/zmqecho.schema.json", import.meta.url));
