/** Codecs in a worker, made from what the host says of them. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { CodecSpec } from "../../src/codecs/codec.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { defineCodec } from "../../src/handler.ts";
import { errorOf, jobOf, KINDS, LIMITS, pluginOf, walled } from "./workers.ts";

const ECHO = "export default (input) => input;";

describe.each(KINDS)("in a %s", (kind) => {
  test.each<CodecSpec>(["json", "cbor", "msgpack", { type: "protobuf" }])("bodies in %j", async (spec) => {
    const { runner } = await walled(kind, ECHO);
    const codec = createCodec(spec, { name: "c" });
    const value = { text: "ü", list: [1.5, null, true], deep: { a: {} } };
    const recipe = { name: "c", spec, folder: "/", limits: LIMITS };
    const body = await runner.run(jobOf(codec.encodeBody(value), { recipe }));
    expect(codec.decodeBody(body)).toEqual(value);
  });

  test("big integers, dates and bytes", async () => {
    const { runner } = await walled(
      kind,
      "export default ({ big, when, bytes }) => ({ big: big + 1n, when: new Date(when.getTime() + 1), bytes: bytes.map((x) => x + 1) });",
    );
    const codec = createCodec("cbor");
    const body = codec.encodeBody({ big: 2n ** 60n, when: new Date(5000), bytes: new Uint8Array([1, 2]) });
    const recipe = { name: "cbor", spec: "cbor", folder: "/", limits: LIMITS } as const;
    expect(codec.decodeBody(await runner.run(jobOf(body, { recipe })))).toEqual({
      big: 2n ** 60n + 1n,
      when: new Date(5001),
      bytes: new Uint8Array([2, 3]),
    });
  });

  test("several raw frames, large and empty ones, out of memory that others use too", async () => {
    const recipe = { name: "raw", spec: "raw", folder: "/", limits: LIMITS } as const;
    const { runner } = await walled(
      kind,
      // What it returns is used again: a handler may, since raw passes bytes on.
      "const mine = Buffer.alloc(300, 'x'); export default (input) => [...input, mine];",
    );
    const large = randomBytes(1_000_000);
    const shared = Buffer.from("--part--").subarray(2, 6);
    for (const round of [1, 2]) {
      const body = await runner.run(jobOf([shared, large, Buffer.alloc(0)], { recipe }));
      expect(body.map((frame) => frame.length)).toEqual([4, 1_000_000, 0, 300]);
      expect(Buffer.compare(body[1] ?? shared, large), `round ${round}`).toBe(0);
      expect(Buffer.from(body[3] ?? shared).toString()).toBe("x".repeat(300));
    }
    expect(shared.toString()).toBe("part");
    expect(large).toHaveLength(1_000_000);
  });

  test("a codec that a plugin defines, the same instance if it is the handler's plugin", async () => {
    const code = `import { defineCodec } from "zmqecho"; let calls = 0;
      export const codec = defineCodec({ encode: (value) => Buffer.from(value + "!"), decode: (bytes) => Buffer.from(bytes) + "?" + ++calls });
      export default (input) => input + calls;`;
    const { plugin, bundle } = await pluginOf(code);
    const { runner } = await walled(kind, code, { plugin, bundle });
    const other = await pluginOf(code.replace('"?"', '"#"'));
    const ask = async (given: typeof other) => {
      const recipe = { name: "mark", plugin: given.plugin, bundle: given.bundle, limits: LIMITS };
      const [frame = new Uint8Array()] = await runner.run(jobOf([Buffer.from("x")], { recipe }));
      return Buffer.from(frame).toString();
    };
    expect(await ask({ plugin, bundle, file: "" })).toBe("x?11!");
    expect(await ask(other)).toBe("x#11!");
  });

  test("a codec that changes under its name is made anew, for its endpoint alone", async () => {
    const { runner } = await walled(kind, "export default (_, { codec, endpoint }) => [codec, endpoint];");
    const ask = async (endpoint: string, spec: CodecSpec) => {
      const recipe = { name: "c", spec, folder: "/", limits: LIMITS };
      const codec = createCodec(spec);
      return codec.decodeBody(await runner.run(jobOf(codec.encodeBody(1), { endpoint, recipe })));
    };
    expect(await ask("a", "json")).toEqual(["c", "a"]);
    expect(await ask("b", "cbor")).toEqual(["c", "b"]);
    expect(await ask("a", "msgpack")).toEqual(["c", "a"]);
    expect(await ask("b", "cbor")).toEqual(["c", "b"]);
  });

  test("a codec that can't be made in the worker fails its calls, and is tried again", async () => {
    const { runner, call } = await walled(kind, ECHO);
    const recipe = {
      name: "order",
      spec: { type: "protobuf", proto: "gone.proto" },
      folder: "/",
      limits: LIMITS,
    } as const;
    for (const _ of [1, 2]) {
      const error = await errorOf(runner.run(jobOf([Buffer.alloc(0)], { recipe })));
      expect(ZmqEchoError.is(error)).toBe(false);
      expect(error.message).toContain('codec "order" can\'t be made in this worker: ');
    }
    expect(await call(1)).toBe(1);
  });

  test("a codec that is given in code can't be had", async () => {
    const { runner } = await walled(kind, ECHO);
    const codec = createCodec(defineCodec({ encode: () => new Uint8Array(), decode: () => null }), { name: "mine" });
    const error = await errorOf(runner.run({ ...jobOf([]), recipe: undefined, codec }));
    expect(error).toMatchObject({
      code: "unimplemented",
      message: `codec "mine" is given in code, and handler "vat" runs in a ${kind}`,
    });
    expect(runner.workers.live()).toBe(0);
  });
});
