/** Where the workers' own code is, compiled, seen from src/runtime/link and from dist/runtime/link alike. */
export const WORKER_FILE = new URL("../../../dist/runtime/worker/main.js", import.meta.url);
