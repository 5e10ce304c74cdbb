/** `serve -v`: each request and reply as a line of the log. */
import type { Body } from "../codecs/codec.ts";
import type { CallHook } from "../core/call.ts";
import type { Log } from "../handler.ts";
import { printableLine } from "../printable.ts";
import { rawBodyText } from "../show.ts";
import { bytesOf } from "../wire/limits.ts";

const LONGEST_SHOWN = 200;

export function trafficHook(log: Log): CallHook {
  return {
    start({ handler, codec, source, body }) {
      log.info({ endpoint: source.endpoint, handler, codec, bytes: bytesOf(body) }, `-> ${shown(body)}`);
    },
    end(outcome, { totalMs }, { endpoint }) {
      const ms = Number(totalMs.toFixed(3));
      if (outcome.code === "ok") log.info({ endpoint, ms, bytes: bytesOf(outcome.body) }, `<- ${shown(outcome.body)}`);
      else
        log.info({ endpoint, ms, details: outcome.details }, printableLine(`<- ${outcome.code}: ${outcome.message}`));
    },
  };
}

/** The beginning, in one line, and of one frame only as much as it takes: a body may have megabytes. */
function shown(body: Body): string {
  const cut = body.map((frame) => frame.subarray(0, LONGEST_SHOWN));
  const text = printableLine(rawBodyText(cut));
  return cut.some((frame, index) => frame.length < (body[index]?.length ?? 0)) ? `${text}…` : text;
}
