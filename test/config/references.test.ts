import { expect, test } from "vitest";
import { resolveConfig } from "../../src/config/load.ts";
import { checkReferences } from "../../src/config/references.ts";
import type { ConfigInput } from "../../src/config/schema.ts";

const plugins = { handlers: ["echo", "resize"], codecs: ["upper"] };
const problemsWith = (input: ConfigInput) =>
  checkReferences(resolveConfig(input), plugins).map(({ path, message }) => `${path}: ${message}`);

test("what a plugin, the configuration or the house itself offers is found", () => {
  const input: ConfigInput = {
    codecs: { order: { type: "json" } },
    handlers: { thumbs: { plugin: "resize" }, resize: {} },
    endpoints: {
      a: { bind: "tcp://*:1", handler: "thumbs", codec: "order" },
      b: { bind: "tcp://*:2", handler: "resize", codec: "upper" },
      c: { bind: "tcp://*:3", codec: "cbor" },
      d: { bind: "tcp://*:4", handlers: ["*", "nobody.*", "echo", "thumbs"] },
    },
    targets: { t: { connect: "tcp://h:1", codec: "upper" } },
  };
  expect(problemsWith(input)).toEqual([]);
});

test("what nobody offers is a problem at its place, with the nearest name", () => {
  const input: ConfigInput = {
    handlers: { thumbs: { plugin: "resise" }, gone: {} },
    endpoints: {
      a: { bind: "tcp://*:1", handler: "ecko", codec: "jsn" },
      b: { bind: "tcp://*:2", handlers: ["*", "thumb"] },
    },
    targets: { t: { connect: "tcp://h:1", codec: "uper" } },
  };
  expect(problemsWith(input)).toEqual([
    'handlers.thumbs.plugin: there is no plugin "resise"; did you mean "resize"?',
    'handlers.gone: there is no plugin "gone"; there are echo and resize',
    'endpoints.a.handler: there is no handler "ecko"; did you mean "echo"?',
    'endpoints.a.codec: there is no codec "jsn"; did you mean "json"?',
    'endpoints.b.handlers[1]: there is no handler "thumb"; did you mean "thumbs"?',
    'targets.t.codec: there is no codec "uper"; did you mean "upper"?',
  ]);
});
