/** A call from the page's form: by the frames of any client of that endpoint, through its own limits, queue and counts. */
import type { Body, Codec } from "../../codecs/codec.ts";
import { valueFromJson } from "../../codecs/from-json.ts";
import { createCodec } from "../../codecs/registry.ts";
import { ZmqEchoError } from "../../errors.ts";
import type { Metadata } from "../../handler.ts";
import type { ServedCodec } from "../../runtime/recipe.ts";
import { hexDump, jsonText, textFrom } from "../../show.ts";
import { checkMetadata, NO_METADATA } from "../../wire/json-frames.ts";
import type { FrameView, PageCall, PageOutcome, PageReply } from "../../wire/page.ts";
import { decodeReply, readPlainReply, readZepReply } from "../../wire/reply.ts";
import { writeRequest } from "../../wire/zep.ts";
import { shorten } from "../../wording.ts";
import type { Callable } from "../host-view.ts";

/** What is shown of a value, in characters, and of a frame, in bytes. */
const MOST_SHOWN = 256 * 1024;
const MOST_DUMPED = 1024;
const MOST_FRAMES = 32;

/** Reads what came as JSON. Throws `invalid_argument` for anything else than a call. */
export function parsePageCall(text: string): PageCall {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw bad("the call is no JSON");
  }
  const { endpoint, handler, codec, body, isHex = false, metadata } = Object(given) as Record<string, unknown>;
  const areTexts = [endpoint, handler, codec, body].every((part) => typeof part === "string");
  if (!areTexts || typeof isHex !== "boolean" || !(metadata === undefined || isMetadata(metadata)))
    throw bad("a call has the texts endpoint, handler, codec and body, and may have isHex and metadata");
  return given as PageCall;
}

/**
 * Makes the call; what comes of it, an error too, is in the reply.
 * Throws a `ZmqEchoError` for what could not be sent at all.
 */
export async function callFromPage(call: PageCall, endpoint: Callable): Promise<PageReply> {
  const isPlain = endpoint.config.handlers === undefined;
  const codec = clientCodec(call.codec, endpoint.findCodec(call.codec));
  const body = bodyFrom(call, codec);
  const sent = isPlain ? plainRequest(call, endpoint.config, body) : requestByName(call, body);
  const from = performance.now();
  const received = await endpoint.answer(sent);
  const ms = Math.round((performance.now() - from) * 1000) / 1000;
  return { ms, sent: viewsOf(sent), received: viewsOf(received), outcome: outcomeOf(received, isPlain, codec) };
}

function plainRequest({ handler, codec, metadata }: PageCall, config: Callable["config"], body: Body): Body {
  if (config.handler !== handler || config.codec !== codec)
    throw bad(`this endpoint serves ${config.handler} in ${config.codec}, and nothing else`);
  if (metadata !== undefined) throw bad("this endpoint takes a body alone, without metadata");
  return body;
}

function requestByName({ handler, codec, metadata }: PageCall, body: Body): Body {
  const checked: Metadata = metadata === undefined || Object.keys(metadata).length === 0 ? NO_METADATA : metadata;
  checkMetadata(checked);
  return writeRequest({ verb: "call", handler, codec, metadata: checked, body });
}

/** For requests and replies the other way round than the host has it, where a codec tells them apart. */
function clientCodec(name: string, served: ServedCodec | undefined): Codec {
  if (served === undefined)
    throw new ZmqEchoError("unimplemented", `there is no codec ${JSON.stringify(shorten(name))}`);
  const { codec, recipe } = served;
  if (recipe !== undefined && "spec" in recipe) return createCodec(recipe.spec, { ...recipe, role: "client" });
  if (codec !== undefined) return codec;
  throw new ZmqEchoError("unimplemented", `codec ${name} runs in workers only, so the host can't write a body with it`);
}

function bodyFrom({ body, isHex = false }: PageCall, codec: Codec): Body {
  if (codec.passesBytesOn !== true) return codec.encodeBody(valueFromJson(Buffer.from(body), codec, "the body"));
  return codec.encodeBody(isHex ? bytesFromHex(body) : body);
}

function bytesFromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw bad("the body is no hex: two digits for each byte, such as 0a ff");
  return Buffer.from(digits, "hex");
}

function outcomeOf(received: Body, isPlain: boolean, codec: Codec): PageOutcome {
  try {
    const body = isPlain ? readPlainReply(received) : readZepReply(received).body;
    return codec.passesBytesOn === true ? rawOutcome(body) : jsonOutcome(decodeReply(codec, body));
  } catch (error) {
    const { code, message, details } = ZmqEchoError.from(error);
    return { code, message, details };
  }
}

function jsonOutcome(value: Parameters<typeof jsonText>[0]): PageOutcome {
  const text = jsonText(value);
  // Indented it would be several times as long.
  const isShort = text.length <= MOST_SHOWN / 4;
  return { code: "ok", form: "json", ...cut(isShort ? JSON.stringify(JSON.parse(text), null, 2) : text) };
}

function rawOutcome(body: Body): PageOutcome {
  const texts = body.map((frame) => textFrom(frame));
  if (texts.every((text) => text !== undefined)) return { code: "ok", form: "text", ...cut(texts.join("\n")) };
  return {
    code: "ok",
    form: "hex",
    ...cut(
      beginningOf(body, MOST_SHOWN / 4)
        .map(hexDump)
        .join("\n"),
    ),
  };
}

/** A byte in hex is over four characters; what is cut away after that had the thread for nothing. */
function beginningOf(body: Body, bytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let left = bytes;
  for (const frame of body) {
    if (left === 0) break;
    const part = frame.subarray(0, left);
    parts.push(part);
    left -= part.length;
  }
  return parts;
}

function cut(text: string): { readonly value: string; readonly cut: boolean } {
  return { value: text.slice(0, MOST_SHOWN), cut: text.length > MOST_SHOWN };
}

function viewsOf(frames: Body): FrameView[] {
  return frames
    .slice(0, MOST_FRAMES)
    .map((frame) => ({ bytes: frame.length, dump: hexDump(frame.subarray(0, MOST_DUMPED)) }));
}

function isMetadata(given: unknown): given is Metadata {
  return (
    typeof given === "object" &&
    given !== null &&
    !Array.isArray(given) &&
    !Object.hasOwn(given, "__proto__") &&
    Object.values(given).every((value) => typeof value === "string")
  );
}

function bad(message: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", message);
}
