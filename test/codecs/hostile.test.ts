import { beforeAll, describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { HOSTILE } from "./hostile-bytes.ts";

const MEGABYTE = 1e6;

/** What goes wrong here takes seconds to minutes; a machine with other work to do may take tens of milliseconds for what is right. */
const LONGEST_MS = 1000;

function refusal(decode: () => unknown): unknown {
  try {
    return { decoded: decode() };
  } catch (error) {
    return error;
  }
}

describe.each(Object.entries(HOSTILE))("hostile %s", (name, messages) => {
  const codec = createCodec(name as keyof typeof HOSTILE);

  // The bounds are on what a message costs, not on what compiling the decoder costs.
  beforeAll(() => {
    for (let round = 0; round < 200; round++) codec.decode(codec.encode({ a: [1, "ü", null], b: { c: 1.5 } }));
  });

  test.each(messages)("%s is refused, quickly and in little memory", (_, bytes) => {
    const rssBefore = process.resourceUsage().maxRSS * 1024;
    const cpuBefore = process.cpuUsage();
    const error = refusal(() => codec.decode(bytes));
    const { user, system } = process.cpuUsage(cpuBefore);
    const grown = process.resourceUsage().maxRSS * 1024 - rssBefore;
    expect(error).toBeInstanceOf(ZmqEchoError);
    expect(error).toMatchObject({ code: "invalid_argument" });
    expect((error as ZmqEchoError).message).toMatch(new RegExp(`^${name} can't decode .{1,180}$`));
    expect((user + system) / 1000, "milliseconds of CPU").toBeLessThan(LONGEST_MS);
    expect(grown / MEGABYTE, "megabytes").toBeLessThan(50);
  });
});
