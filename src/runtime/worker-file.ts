/** Where the workers' own code is, compiled, seen from src/runtime and from dist/runtime alike. */
export const WORKER_FILE = new URL("../../dist/runtime/worker.js", import.meta.url);
