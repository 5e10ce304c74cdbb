import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { DEFAULTS } from "../../src/config/defaults.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/errors.ts";
import { MAX_JSON_BYTES } from "../../src/wire/json-frames.ts";
import { parseRequest, writePlainError } from "../../src/wire/zep.ts";

const document = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
const codes = Object.keys(ERROR_CODES) as ErrorCode[];

describe("a plain error is no message of", () => {
  test.each(["json", "cbor", "msgpack", "protobuf"] as const)("%s", (name) => {
    const codec = createCodec(name);
    for (const code of codes) {
      for (const message of ["", "why", "x".repeat(4096)]) {
        const [frame] = writePlainError({ code, message, details: { requestId: "k3J9aQ-1" } });
        if (frame === undefined) throw new Error("an error is one frame");
        expect(() => codec.decode(frame)).toThrow();
      }
    }
  });
});

test("the limits that are named are those of the code", () => {
  const { maxMessageBytes, maxFrames, maxDepth } = DEFAULTS.limits;
  expect(document).toContain(`\`limits.maxMessageBytes\`, ${maxMessageBytes / 1024 ** 2} MiB by default`);
  expect(document).toContain(`\`limits.maxFrames\`, ${maxFrames} by default`);
  expect(document).toContain(`\`limits.maxDepth\`, ${maxDepth} by default`);
  expect(document).toContain(`| bytes of metadata, or of details, as JSON | ${MAX_JSON_BYTES} |`);
});

test("no reserved verb is served", () => {
  const [sentence = ""] = /`next`[^.]*are reserved as verbs/.exec(document) ?? [];
  const verbs = [...sentence.matchAll(/`(\w+)`/g)].map(([, verb = ""]) => verb);
  expect(verbs).toHaveLength(3);
  for (const verb of verbs) expect(() => parseRequest([Buffer.from(`ZEP1 ${verb}`)])).toThrow("is not served here");
});
