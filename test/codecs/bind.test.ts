import { describe, expect, test } from "vitest";
import { bindCodec } from "../../src/codecs/bind.ts";
import type { FrameCodec } from "../../src/codecs/codec.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { Value } from "../../src/handler.ts";

const limits = { maxDepth: 4, maxMessageBytes: 100 };

function bound(overrides: Partial<FrameCodec> = {}) {
  return bindCodec(
    { name: "mine", encode: () => new Uint8Array([1]), decode: (bytes) => bytes[0], ...overrides },
    limits,
  );
}

function thrown(action: () => unknown): ZmqEchoError {
  try {
    action();
  } catch (error) {
    if (error instanceof ZmqEchoError) return error;
  }
  throw new Error("no ZmqEchoError was thrown");
}

test("a body is exactly one frame", () => {
  const codec = bound();
  expect(codec.decodeBody([new Uint8Array([7])])).toBe(7);
  expect(codec.encodeBody(null)).toEqual([new Uint8Array([1])]);
  for (const count of [0, 2, 3]) {
    const body = Array.from({ length: count }, () => new Uint8Array(1));
    expect(thrown(() => codec.decodeBody(body))).toMatchObject({
      code: "invalid_argument",
      message: `mine takes one frame, got ${count}`,
    });
  }
});

test("a message over the limit is refused before it is decoded, and after it is encoded", () => {
  const codec = bound({
    encode: () => new Uint8Array(101),
    decode: () => {
      throw new Error("was asked");
    },
  });
  const exhausted = { code: "resource_exhausted", message: expect.stringMatching(/101 bytes; 100 at most$/) };
  expect(thrown(() => codec.decode(new Uint8Array(101)))).toMatchObject(exhausted);
  expect(thrown(() => codec.encode(null))).toMatchObject(exhausted);
});

describe("values are walked", () => {
  test("before they are encoded", () => {
    const seen: Value[] = [];
    const codec = bound({
      encode: (value) => {
        seen.push(value);
        return new Uint8Array();
      },
    });
    codec.encode(new Set([undefined, 5n]));
    expect(seen).toEqual([[null, 5]]);
    expect(thrown(() => codec.encode([[[[[]]]]])).message).toBe(
      "mine can't encode $[0][0][0][0]: nested deeper than 4",
    );
  });

  test("after they were decoded", () => {
    expect(bound({ decode: () => new Map([["a", undefined]]) }).decode(new Uint8Array())).toEqual({});
    expect(thrown(() => bound({ decode: () => ({ a: () => 0 }) }).decode(new Uint8Array()))).toMatchObject({
      code: "invalid_argument",
      message: "mine can't decode $.a: a function",
    });
    expect(thrown(() => bound({ decode: async () => 1 }).decode(new Uint8Array())).message).toBe(
      "mine can't decode $: an instance of Promise is no plain object",
    );
  });
});

describe("whatever a codec throws is a typed error with the original as its cause", () => {
  test.each<[string, unknown, string]>([
    ["an error", new RangeError("too much"), "too much"],
    ["a text", "boom", "boom"],
    ["null", null, "a thrown null"],
    ["an error of many lines", new Error("first\nsecond"), "first"],
  ])("%s", (_, cause, text) => {
    const raise = () => {
      throw cause;
    };
    const decoding = thrown(() => bound({ decode: raise }).decode(new Uint8Array()));
    expect(decoding).toMatchObject({ code: "invalid_argument", message: `mine can't decode this: ${text}` });
    if (cause !== null) expect(decoding.cause).toBe(cause);
    expect(thrown(() => bound({ encode: raise }).encode(1)).message).toBe(`mine can't encode this: ${text}`);
    expect(thrown(() => bound({ fromJson: raise }).fromJson(1)).message).toBe(`mine can't encode this: ${text}`);
  });

  test("a huge text is cut", () => {
    const raise = () => {
      throw new Error("x".repeat(1e6));
    };
    expect(thrown(() => bound({ decode: raise }).decode(new Uint8Array())).message.length).toBeLessThan(200);
  });

  test("an error of ours stays as it is", () => {
    const ours = new ZmqEchoError("data_loss", "the checksum is wrong");
    const raise = () => {
      throw ours;
    };
    expect(thrown(() => bound({ decode: raise }).decode(new Uint8Array()))).toBe(ours);
  });
});

test("an encode that returns no bytes is an error", () => {
  const codec = bound({ encode: (() => "text") as never });
  expect(thrown(() => codec.encode(1))).toMatchObject({
    code: "invalid_argument",
    message: "mine can't encode this: its encode returned no Uint8Array",
  });
});
