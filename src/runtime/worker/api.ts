/**
 * What `import "zmqecho"` gives to plugins in workers: all that src/index.ts does. What they throw and define with is
 * there at once; what loads packages, zeromq among them, is loaded when it is first used.
 */
import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { defineConfig } from "../../config/define.ts";
import { CallError, ConfigError, ERROR_CODES, ZmqEchoError } from "../../errors.ts";
import { defineCodec, defineHandler } from "../../handler.ts";

const require = createRequire(import.meta.url);

/** The names are those of the package, and a test keeps them so. */
export const api: Readonly<Record<string, unknown>> = {
  CallError,
  ConfigError,
  ERROR_CODES,
  ZmqEchoError,
  defineCodec,
  defineConfig,
  defineHandler,
  get createCodec() {
    return require("../../codecs/registry.js").createCodec;
  },
  get loadConfig() {
    return require("../../config/load.js").loadConfig;
  },
  get readCertificate() {
    return require("../../curve/certificate.js").readCertificate;
  },
  get mock() {
    return require("../../mock/mock.js").mock;
  },
  get createClient() {
    return isMainThread ? require("zmqecho").createClient : () => refuse("createClient");
  },
  get createHost() {
    return isMainThread ? require("zmqecho").createHost : () => refuse("createHost");
  },
};

/** A thread that is killed while one of its sockets waits for a message takes the whole process with it. */
function refuse(name: string): never {
  const why = "opens ZeroMQ sockets, and a thread with one can't be ended without ending the host";
  throw new ZmqEchoError("unimplemented", `${name} ${why}; write "isolation": "process" for this handler`);
}
