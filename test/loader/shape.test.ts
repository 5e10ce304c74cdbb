import { expect, test } from "vitest";
import { z } from "zod";
import { defineCodec, defineHandler } from "../../src/handler.ts";
import { readHandler, readShape } from "../../src/loader/shape.ts";

const handle = () => null;
const codec = () => defineCodec({ encode: () => new Uint8Array(), decode: () => null });

test("a function is a handler", () => {
  expect(readShape({ default: handle })).toEqual({ handler: { handle } });
});

test("an object is given back as it is, so that its methods keep their this", () => {
  const definition = defineHandler({
    description: "Adds VAT",
    input: z.number(),
    output: z.number(),
    timeoutMs: 2000,
    isolation: "inline",
    setup: () => 1,
    teardown: () => undefined,
    handle: () => 1,
  });
  expect(readShape({ default: definition }).handler).toBe(definition);
});

test("fields that are undefined are left out", () => {
  expect(() => readShape({ default: { handle, timeoutMs: undefined, setup: undefined } })).not.toThrow();
});

test("a schema may be a function", () => {
  const input = Object.assign(() => 1, { "~standard": { validate: () => ({ value: 1 }) } });
  expect(readShape({ default: { input, handle } }).handler?.input).toBe(input);
});

test("other named exports are of no concern", () => {
  expect(readShape({ default: handle, rate: 19, __proto__: null })).toEqual({ handler: { handle } });
});

test("a codec under any name, alone or beside a handler", () => {
  const own = codec();
  expect(readShape({ default: own })).toEqual({ codec: own });
  expect(readShape({ csv: own })).toEqual({ codec: own });
  expect(readShape({ default: handle, csv: own })).toEqual({ handler: { handle }, codec: own });
});

test("CommonJS seen from an ES module is unwrapped", () => {
  const own = codec();
  expect(readShape({ default: { default: handle } })).toEqual({ handler: { handle } });
  expect(readShape({ default: { csv: own }, csv: own })).toEqual({ codec: own });
  expect(readShape({ default: { default: handle, csv: own }, csv: own })).toEqual({ handler: { handle }, codec: own });
});

test.each<[string, object, string]>([
  ["nothing", {}, "there is no default export; export default a function (input, context) => output, or an object"],
  ["no default", { handle, rate: 1 }, "there is no default export, only handle, rate; export default a function"],
  ["a number", { default: 5 }, "the default export is a number; export default a function"],
  ["null", { default: null }, "the default export is null; "],
  ["an array", { default: [handle] }, "the default export is an array; "],
  ["a class", { default: class {} }, "the default export is a class; "],
  [
    "a promise",
    { default: Promise.resolve(handle) },
    "the default export is a Promise; write await before what makes it",
  ],
  ["no handle", { default: { description: "x" } }, "the default export has no handle; export default a function"],
  ["a codec unmarked", { default: { encode: handle, decode: handle } }, "looks like a codec; wrap it in defineCodec()"],
  ["two codecs", { a: codec(), b: codec() }, "exports 2 codecs; a plugin has one, under the plugin's name"],
  ["half a codec", { default: defineCodec({ encode: handle } as never) }, "the codec's decode must be a function"],
])("what can't be served is told with what to export: %s", (_, exported, message) => {
  expect(() => readShape(exported)).toThrow(message);
});

test.each<[object, string]>([
  [{ handle: 5 }, "handle must be a function (input, context) => output"],
  [{ description: 5 }, "description must be a string"],
  [{ input: {} }, "input must be a Standard Schema, such as zod, Valibot and ArkType make"],
  [{ output: { type: "object" } }, "output must be a Standard Schema"],
  [{ timeoutMs: 0 }, "timeoutMs must be a whole number of milliseconds from 1 to 2147483647"],
  [{ timeoutMs: "2000" }, "timeoutMs must be a whole number of milliseconds"],
  [{ timeoutMs: 2 ** 31 }, "timeoutMs must be a whole number of milliseconds"],
  [{ concurrency: 0 }, "concurrency must be a whole number from 1 to 65536"],
  [{ isolation: "fork" }, 'isolation must be "inline", "thread" or "process"'],
  [{ setup: true }, "setup must be a function"],
  [{ teardown: {} }, "teardown must be a function"],
  [{ timeout: 5 }, 'unknown field "timeout"; did you mean "timeoutMs"?'],
  [{ setpu: handle, timeoutMs: -1 }, 'unknown field "setpu"; did you mean "setup"?; timeoutMs must be'],
])("each field is checked: %j", (fields, message) => {
  expect(() => readShape({ default: { handle, ...fields } })).toThrow(message);
});

test("a handler given in code is checked in the same way, and called a handler", () => {
  expect(readHandler(handle)).toEqual({ handle });
  expect(() => readHandler(5)).toThrow("the handler is a number; give a function (input, context) => output, or");
  expect(() => readHandler({ handle, timeoutMs: "5s" })).toThrow("timeoutMs must be a whole number of milliseconds");
  expect(() => readHandler(codec())).toThrow("a codec is no handler; give it as a codec");
});
