import { expect, test } from "vitest";
import { createAssembler, type InCode } from "../src/assemble.ts";
import { resolveConfig } from "../src/config/load.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { formatProblem } from "../src/errors.ts";

async function problems(config: ConfigInput, inCode: object = {}): Promise<string[]> {
  const survey = await createAssembler(inCode as InCode).survey(resolveConfig({ plugins: [], ...config }));
  return survey.problems.map(formatProblem);
}

test("handlers and codecs in code are checked as those of plugins are, all at once", async () => {
  const inCode = {
    handlers: {
      five: 5,
      late: { timeoutMs: "5s", handle: () => null },
      typo: { timeoutMS: 5, handle: () => null },
      far: { isolation: "thread", handle: () => null },
      good: () => null,
    },
    codecs: { half: { encode: () => new Uint8Array() } },
  };
  const endpoints = { e: { bind: "tcp://127.0.0.1:*", handler: "five", codec: "half" } };
  expect(await problems({ endpoints }, inCode)).toEqual([
    'handler "five", given in code: the handler is a number; give a function (input, context) => output, or an object with handle(input, context)',
    expect.stringMatching(/^handler "late", given in code: timeoutMs must be a whole number of milliseconds/),
    'handler "typo", given in code: unknown field "timeoutMS"; did you mean "timeoutMs"?',
    'codec "half", given in code: the codec\'s decode must be a function',
    'handler "far" is given in code, so it can\'t run in a thread; put it into a file',
  ]);
});

test("an entry of plugins that can't be read is not offered as a handler", async () => {
  const config: ConfigInput = { plugins: ["a b"], endpoints: { e: { bind: "tcp://127.0.0.1:*", handler: "zzzzzz" } } };
  expect(await problems(config)).toEqual([
    'endpoints.e.handler: there is no handler "zzzzzz"; there are echo and mock',
  ]);
});
