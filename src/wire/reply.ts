/** What a reply's frames mean to the caller: a body, or the error that the server sent. */
import type { Body, Codec } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Value } from "../handler.ts";
import { parsePlainError, parseReply, type ZepReply } from "./zep.ts";

/** The body of a reply from a plain endpoint. Throws the `ZmqEchoError` that the server sent instead. */
export function readPlainReply(frames: Body): Body {
  const error = parsePlainError(frames);
  if (error !== undefined) throw remoteError(error);
  return frames;
}

/** The body of a reply from an endpoint that serves by name. Throws what the server sent, or `internal` if it is no ZEP. */
export function readZepReply(frames: Body): Extract<ZepReply, { code: "ok" }> {
  let reply: ZepReply;
  try {
    reply = parseReply(frames);
  } catch (error) {
    // A plain endpoint was called by name: its codec's refusal explains more than our own.
    const plain = parsePlainError(frames);
    if (plain !== undefined) throw remoteError(plain);
    const hint = "the server did not answer in ZEP/1; it may serve one handler, plain";
    throw new ZmqEchoError("internal", `${hint}: ${ZmqEchoError.from(error).message}`, { cause: error });
  }
  if (reply.code !== "ok") throw remoteError(reply);
  return reply;
}

function remoteError({ code, message, details }: Exclude<ZepReply, { code: "ok" }>): ZmqEchoError {
  return new ZmqEchoError(code, message, { details });
}

/** The value of a reply's body. Throws `internal`: it is the server that sent what can't be decoded. */
export function decodeReply(codec: Codec, body: Body): Value {
  try {
    return codec.decodeBody(body);
  } catch (error) {
    const { message } = ZmqEchoError.from(error);
    throw new ZmqEchoError("internal", `the reply can't be decoded: ${message}`, { cause: error });
  }
}
