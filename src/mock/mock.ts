/** A handler that says what it was told to say. plugins/mock.ts is it. */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ConfigError, formatProblem, textOf, ZmqEchoError } from "../errors.ts";
import type { HandlerContext, HandlerDefinition, Value } from "../handler.ts";
import { printableLine } from "../printable.ts";
import { numbered, shorten } from "../wording.ts";
import { matches } from "./match.ts";
import type { RecordedAnswers } from "./recorded.ts";
import { kindOf, type MockRule, problemsOfRules, type RuleProblem, ruleProblemText, unknownKeys } from "./rules.ts";

type Options = Readonly<Record<string, unknown>>;
type Call = Pick<HandlerContext, "handler" | "codec" | "signal">;

/** What a call is answered with. */
export interface MockState {
  answer(input: unknown, call: Call): unknown;
}

const OPTIONS = ["rules", "recording"];

/**
 * Answers by `options.rules`, a list of {@link MockRule}, or by `options.recording`, a file that `zmqecho tap --record` wrote, relative
 * to the working folder. Its setup fails with `invalid_argument` and names each option that can't be used. What nothing
 * was said about is `not_found`.
 */
export const mock: HandlerDefinition<undefined, undefined, Options, MockState> = {
  description: "Replies as its rules or its recording say",
  setup: ({ options }) => stateFromOptions(options),
  handle: (input, context) => context.state.answer(input, context),
};

async function stateFromOptions(options: Options): Promise<MockState> {
  const { rules = [], recording } = options;
  const problems = [...unknownKeys(options, OPTIONS, ["options"]), ...problemsOfRules(rules, ["options", "rules"])];
  if (options.rules !== undefined && recording !== undefined) {
    problems.push({ path: ["options", "recording"], message: "rules and recording exclude each other" });
  }
  if (recording !== undefined && (typeof recording !== "string" || recording === "")) {
    problems.push({ path: ["options", "recording"], message: `a file is expected, not ${kindOf(recording)}` });
  }
  if (problems.length > 0) throw invalid(problems);
  if (typeof recording !== "string") return mockOfRules(rules as readonly MockRule[]);
  try {
    const { loadRecording } = await import("../recording/format.ts");
    const { createRecordedAnswers } = await import("./recorded.ts");
    return mockOfRecording(await createRecordedAnswers(await loadRecording(resolve(recording))));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ZmqEchoError("invalid_argument", `options.recording: ${error.problems.map(formatProblem).join("; ")}`);
  }
}

function invalid(problems: readonly RuleProblem[]): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", problems.map(ruleProblemText).join("; "));
}

/** @param rules checked ones */
export function mockOfRules(rules: readonly MockRule[]): MockState {
  const left = rules.map(({ times }) => times ?? Number.POSITIVE_INFINITY);
  return {
    async answer(input, { signal }) {
      const index = rules.findIndex(
        (rule, at) => (left[at] ?? 0) > 0 && (rule.match === undefined || matches(rule.match, input)),
      );
      const rule = rules[index];
      if (rule === undefined) {
        const spent = left.filter((times) => times === 0).length;
        const what = `${numbered(rules.length, "rule")}${spent === 0 ? "" : `, ${spent} of them used up`}`;
        throw unmatched(input, what, { rules: rules.length });
      }
      left[index] = (left[index] ?? 0) - 1;
      if (rule.delayMs !== undefined) await delay(rule.delayMs, undefined, { signal });
      if (rule.error === undefined) return rule.reply;
      const { code, message = "the mock says so", details = {} } = rule.error;
      throw new ZmqEchoError(code, message, { details });
    },
  };
}

export function mockOfRecording(recorded: RecordedAnswers): MockState {
  return {
    answer(input, { handler, codec }) {
      const found = recorded.answer(input, handler, codec);
      if (found !== undefined) return found.value;
      throw unmatched(input, `${numbered(recorded.count, "request")} recorded with a reply`, {
        recorded: recorded.count,
      });
    },
  };
}

function unmatched(input: unknown, what: string, details: Record<string, number>): ZmqEchoError {
  return new ZmqEchoError("not_found", `nothing matches ${shown(input)}: ${what}`, { details });
}

const LONGEST_SHOWN = 200;

/** What came, for whoever writes the next rule. */
function shown(input: unknown): string {
  try {
    return printableLine(shorten(textOfInput(input as Value), LONGEST_SHOWN));
  } catch (error) {
    return textOf(error);
  }
}

function textOfInput(input: Value): string {
  return JSON.stringify(input, function replace(this: Record<string, unknown>, key: string, value: unknown) {
    const real = this[key];
    if (typeof real === "bigint") return real.toString();
    if (!(real instanceof Uint8Array)) return value;
    const text = Buffer.from(real.subarray(0, LONGEST_SHOWN)).toString();
    return text.includes("\uFFFD") ? Buffer.from(real).toString("base64") : text;
  });
}
