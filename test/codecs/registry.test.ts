import { describe, expect, test } from "vitest";
import { createCodec, createCodecSet } from "../../src/codecs/registry.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { type CodecDefinition, defineCodec } from "../../src/handler.ts";

const options = {
  role: "server",
  limits: { maxDepth: 128, maxMessageBytes: 1000 },
  folder: import.meta.dirname,
} as const;

describe("createCodec", () => {
  test.each(BUILT_IN_CODECS)("makes %s by its name and by its type", (type) => {
    for (const codec of [createCodec(type), createCodec({ type })]) {
      expect(codec.name).toBe(type);
      expect(codec.decodeBody(codec.encodeBody("text"))).toEqual(type === "raw" ? Buffer.from("text") : "text");
    }
  });

  test("gives the codec another name, in its errors too", () => {
    const codec = createCodec({ type: "json" }, { name: "orders" });
    expect(codec.name).toBe("orders");
    expect(() => codec.decode(Buffer.from("["))).toThrow(/^orders can't decode/);
  });

  test("takes limits, and keeps the default of those that are not given", () => {
    const codec = createCodec("json", { limits: { maxDepth: 1 } });
    expect(() => codec.encode([[]])).toThrow("nested deeper than 1");
    expect(codec.encode("a".repeat(1e6))).toHaveLength(1e6 + 2);
    expect(() => codec.encode("a".repeat(4 * 1024 * 1024))).toThrow("4194304 at most");
  });

  test.each(["yaml", "toString", "__proto__"])("says which there are if there is no %s", (type) => {
    expect(() => createCodec(type as "json")).toThrow(
      expect.objectContaining({
        code: "unimplemented",
        message: `there is no codec of type "${type}"; there are raw, json, cbor, msgpack and protobuf`,
      }),
    );
  });

  test("says which type is near", () => {
    expect(() => createCodec("jsno" as "json")).toThrow('there is no codec of type "jsno"; did you mean "json"?');
  });

  test("takes one of your own, marked or not, and a limit that is undefined is the default", () => {
    const definition = { encode: (value: unknown) => Buffer.from(String(value)), decode: String };
    for (const own of [definition, defineCodec({ ...definition })]) {
      const codec = createCodec(own, { limits: { maxDepth: 1, maxMessageBytes: undefined } as object });
      expect(codec.name).toBe("custom");
      expect(codec.encode("a")).toEqual(Buffer.from("a"));
      expect(() => codec.encode([[]])).toThrow("custom can't encode $[0]: nested deeper than 1");
    }
    expect(createCodec(definition, { name: "csv" }).name).toBe("csv");
  });

  test("takes JSON as it is, but for protobuf", () => {
    const value = { a: [1, "AQ=="] };
    for (const type of ["raw", "json", "cbor", "msgpack"] as const)
      expect(createCodec(type).fromJson(value)).toBe(value);
  });
});

describe("a set of codecs", () => {
  class Reversed implements CodecDefinition {
    readonly #encoding = "latin1";
    encode(value: unknown) {
      return Buffer.from(String(value), this.#encoding).reverse();
    }
    decode(bytes: Uint8Array) {
      return Buffer.from(bytes).reverse().toString(this.#encoding);
    }
  }

  test("has the built-ins, the config's and the plugins' by name", () => {
    const set = createCodecSet({ orders: { type: "json" } }, new Map([["reversed", new Reversed()]]), options);
    expect(set.names()).toEqual([...BUILT_IN_CODECS, "reversed", "orders"]);
    expect(set.get("orders")?.name).toBe("orders");
    expect(set.get("cbor")).toBe(set.get("cbor"));
    expect(set.get("reversed")?.decode(Buffer.from("cba"))).toBe("abc");
    expect(set.get("reversed")?.encode("abc")).toEqual(Buffer.from("cba"));
  });

  test.each(["nothing", "__proto__", "constructor", "toString", ""])("has no %j", (name) => {
    expect(createCodecSet({}, new Map(), options).get(name)).toBeUndefined();
  });

  test("prefers the config to a plugin, and a plugin to a built-in", () => {
    const set = createCodecSet(
      { both: "json" },
      new Map([
        ["both", new Reversed()],
        ["cbor", new Reversed()],
      ]),
      options,
    );
    expect(set.get("both")?.decode(Buffer.from("1"))).toBe(1);
    expect(set.get("cbor")?.decode(Buffer.from("ab"))).toBe("ba");
    expect(set.names().filter((name) => name === "cbor")).toHaveLength(1);
  });

  test("gives its limits to all of them", () => {
    const set = createCodecSet({ named: "json" }, new Map([["reversed", new Reversed()]]), options);
    for (const name of ["raw", "json", "named", "reversed"]) {
      expect(() => set.get(name)?.encode("a".repeat(1001))).toThrow("1000 at most");
    }
  });

  test("shows an error in a schema at once", () => {
    const missing = { type: "protobuf", proto: "no-such.proto", request: "a.B" } as const;
    expect(() => createCodecSet({ orders: missing }, new Map(), options)).toThrow(/no-such\.proto/);
  });
});
