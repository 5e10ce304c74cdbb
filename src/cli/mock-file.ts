/** `serve --mock FILE`: rules as JSON, or a recording of `tap`. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Codec } from "../codecs/codec.ts";
import { DEFAULTS, NAME_PATTERN } from "../config/defaults.ts";
import { readJson } from "../config/located-json.ts";
import { formatPath, isPlainObject, type Path } from "../config/path.ts";
import type { ConfigInput } from "../config/schema.ts";
import { ConfigError, type Problem, textOf } from "../errors.ts";
import type { HandlerDefinition } from "../handler.ts";
import { mockOfRecording, mockOfRules } from "../mock/mock.ts";
import { createRecordedAnswers } from "../mock/recorded.ts";
import { type MockRule, problemsOfRules, unknownKeys } from "../mock/rules.ts";
import { type Header, isRecording, loadRecording, type Recording } from "../recording/format.ts";
import { parseRequest } from "../wire/zep.ts";
import { usageError } from "./failure.ts";

export type MockFile =
  | { readonly kind: "rules"; readonly rules: readonly MockRule[]; problem(path: Path, message: string): Problem }
  | { readonly kind: "recording"; readonly recording: Recording };

/** The name it is served under, unless the recording has names. */
export const MOCK = "mock";

/** Throws a usage error for a file that can't be read, else {@link ConfigError} with all that is wrong and where. */
export async function readMockFile(given: string): Promise<MockFile> {
  const file = resolve(given);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw usageError(`--mock ${given} can't be read: ${textOf(error)}`);
  }
  if (isRecording(text)) return { kind: "recording", recording: await loadRecording(file) };
  const { value, position } = readJson(file, text);
  const problem = (path: Path, message: string, part?: "key"): Problem => {
    return { file, ...position(path, part), path: formatPath(path), message };
  };
  // A list, or as the plugin's options have it.
  const [rules, at, strange] = isPlainObject(value)
    ? [value.rules, ["rules"], unknownKeys(value, ["rules"], [])]
    : [value, [], []];
  const problems = [...strange, ...problemsOfRules(rules, at)].map(({ path, message, atKey }) =>
    problem(path, message, atKey ? "key" : undefined),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    kind: "rules",
    rules: rules as readonly MockRule[],
    problem: (path, message) => problem([...at, ...path], message),
  };
}

/** The one endpoint that is served, and its codec if it is the recording's own. */
export function mockEndpoint(
  mocked: MockFile,
  place: { readonly bind: string; readonly concurrency?: number },
  codec: string | undefined,
): ConfigInput {
  if (mocked.kind === "rules") {
    return { endpoints: { [MOCK]: { ...place, handler: MOCK, codec: codec ?? DEFAULTS.codec } } };
  }
  const { header } = mocked.recording;
  const own = codec === undefined ? ownCodec(header) : {};
  if (header.zep) return { endpoints: { [MOCK]: { ...place, handlers: namesIn(mocked.recording) } }, ...own };
  return { endpoints: { [MOCK]: { ...place, handler: MOCK, codec: codec ?? header.codec } }, ...own };
}

function ownCodec({ codec, spec }: Header): ConfigInput {
  return typeof spec === "object" ? { codecs: { [codec]: spec as NonNullable<ConfigInput["codecs"]>[string] } } : {};
}

function namesIn({ entries }: Recording): string[] {
  const names = new Set<string>();
  for (const { request } of entries) {
    try {
      const call = parseRequest(request);
      if (call.verb === "call" && NAME_PATTERN.test(call.handler)) names.add(call.handler);
    } catch {
      // It was answered with an error, by whichever host it had reached.
    }
  }
  if (names.size === 0) throw usageError("--mock: the recording has no call of a handler");
  return [...names];
}

/** The handlers behind that endpoint. Throws {@link ConfigError} for a reply that the codec can't carry. */
export async function mockHandlers(
  mocked: MockFile,
  codecs: { readonly request: Codec; readonly reply: Codec },
): Promise<Record<string, HandlerDefinition>> {
  if (mocked.kind === "rules") {
    const state = mockOfRules(carried(mocked, codecs.request));
    return { [MOCK]: { handle: (input, context) => state.answer(input, context) } };
  }
  const { recording } = mocked;
  const own = recording.header.zep ? undefined : codecs;
  const state = mockOfRecording(await createRecordedAnswers(recording, own));
  const definition: HandlerDefinition = { handle: (input, context) => state.answer(input, context) };
  const names = recording.header.zep ? namesIn(recording) : [MOCK];
  return Object.fromEntries(names.map((name) => [name, definition]));
}

/** The replies as values of the codec: what it can't carry is said now, and not to each caller. */
function carried({ rules, problem }: Extract<MockFile, { kind: "rules" }>, codec: Codec): MockRule[] {
  const problems: Problem[] = [];
  const read = rules.map((rule, index) => {
    if (rule.reply === undefined) return rule;
    try {
      const reply = codec.fromJson(rule.reply);
      codec.encodeBody(reply);
      return { ...rule, reply };
    } catch (error) {
      problems.push(problem([index, "reply"], textOf(error)));
      return rule;
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
}
