/** Answers from a recording: what was asked then is answered as it was then. */
import type { Codec } from "../codecs/codec.ts";
import { createCodec } from "../codecs/registry.ts";
import { BUILT_IN_CODECS } from "../config/defaults.ts";
import { type JsonObject, ZmqEchoError } from "../errors.ts";
import { differences } from "../recording/difference.ts";
import { codecOf, type Entry, type Recording } from "../recording/format.ts";
import { createReader, type Said } from "../recording/said.ts";

export interface RecordedAnswers {
  /** How many requests have a recorded reply. */
  readonly count: number;
  /** The recorded reply, or undefined if nothing equal was asked. Throws what was an error. */
  answer(input: unknown, handler: string, codec: string): { readonly value: unknown } | undefined;
}

/** Who asked what, and what was said. */
interface Pair {
  readonly asked: Extract<Said, { kind: "body" }>;
  readonly said: Said;
  used: boolean;
}

/** @param codecs those of the endpoint, if they are known: what reads requests, and what reads replies */
export async function createRecordedAnswers(
  { header, entries }: Recording,
  codecs?: { readonly request: Codec; readonly reply: Codec },
): Promise<RecordedAnswers> {
  const answered = entries.filter(({ reply }) => reply !== undefined);
  const [request, reply] = [await codecOf(header, "server"), await codecOf(header, "client")];
  const own = codecs ?? (request === undefined || reply === undefined ? undefined : { request, reply });
  const byCodec = new Map<string, readonly Pair[]>();

  /** What was recorded as raw is read in the codec it is served in. */
  function pairsFor(codec: string): readonly Pair[] {
    const known = byCodec.get(codec);
    if (known !== undefined) return known;
    const isRaw = codec === "raw" || (own?.request.passesBytesOn && !header.zep);
    const chosen = codecs === undefined && isRaw ? builtIn(codec) : own;
    if (chosen === undefined) {
      const name = JSON.stringify(isRaw ? codec : header.codec);
      const what = `the recording can't be read: the codec ${name} is not known to this handler, only to serve --mock`;
      throw new ZmqEchoError("failed_precondition", what);
    }
    const reader = createReader({
      zep: header.zep,
      requestCodec: chosen.request,
      replyCodec: chosen.reply,
      codecNamed: (name) => builtIn(name)?.request,
    });
    const pairs = answered.flatMap((entry: Entry): Pair[] => {
      const asked = reader.request(entry.request);
      return asked.kind === "body" ? [{ asked, said: reader.reply(entry.reply ?? []), used: false }] : [];
    });
    byCodec.set(codec, pairs);
    return pairs;
  }

  return {
    count: answered.length,
    answer(input, handler, codec) {
      const pairs = pairsFor(codec);
      const isNamed = header.zep && pairs.some(({ asked }) => asked.handler === handler);
      const equal = pairs.filter(({ asked }) => {
        return (!isNamed || asked.handler === handler) && differences(asked.value, input).length === 0;
      });
      // Each once, in their order; the last one then stays.
      const pair = equal.find(({ used }) => !used) ?? equal.at(-1);
      if (pair === undefined) return undefined;
      pair.used = true;
      return { value: sayAgain(pair.said) };
    },
  };
}

function builtIn(name: string): { request: Codec; reply: Codec } | undefined {
  const spec = BUILT_IN_CODECS.find((known) => known === name);
  if (spec === undefined) return undefined;
  return { request: createCodec(spec, { role: "server" }), reply: createCodec(spec, { role: "client" }) };
}

function sayAgain(said: Said): unknown {
  if (said.kind === "body") return said.value;
  if (said.kind === "error") {
    // The id is that of the call that was recorded.
    const { requestId: _, ...details } = said.details;
    throw new ZmqEchoError(said.code, said.message, { details: details as JsonObject });
  }
  const why = said.kind === "unreadable" ? said.why : `it was a reply to ${said.verb}`;
  throw new ZmqEchoError("failed_precondition", `the recorded reply can't be served: ${why}`);
}
