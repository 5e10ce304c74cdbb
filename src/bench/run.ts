/** One run from its plan to its figures. */
import { createClientWith } from "../client/client.ts";
import type { CurveKeys } from "../client/connection.ts";
import type { Body, Codec } from "../codecs/codec.ts";
import type { Metadata } from "../handler.ts";
import { decodeReply } from "../wire/reply.ts";
import { type Figures, rounded } from "./figures.ts";
import { startLoad } from "./load.ts";
import { createClosedPace, createOpenPace, type Span } from "./pace.ts";
import { createRecorder } from "./recorder.ts";

export interface Plan {
  readonly addresses: readonly string[];
  /** For a server that asks for keys. */
  readonly curve?: CurveKeys | undefined;
  readonly handler?: string | undefined;
  readonly codec: Codec;
  readonly metadata: Metadata;
  /** Encoded; sent in turn. */
  readonly bodies: readonly Body[];
  readonly connections: number;
  /** On each connection. */
  readonly inFlight: number;
  /** Requests a second; without it the loop is closed. */
  readonly rate?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly requests?: number | undefined;
  readonly warmupMs: number;
  readonly timeoutMs: number;
  /** Decode the replies too; one that can't be is `internal`. */
  readonly check: boolean;
  /** Whether calls by name may travel together. */
  readonly batch: boolean;
}

export type RunFigures = Omit<Figures, "conditions" | "zmqecho">;

export interface Run {
  /** Rejects with the reason if nobody is there. */
  readonly figures: Promise<RunFigures>;
  /** Ends it early: the figures are those so far. */
  interrupt(): void;
  /** How much has been done of what was asked for, from 0 to 1, and what came of it. */
  progress(): { readonly share: number; readonly ok: number; readonly failed: number };
}

/** However fast and patient the caller: so many may wait, at eight bytes each. */
const MOST_WAITING = 1_000_000;

export async function startRun(plan: Plan): Promise<Run> {
  const { addresses, curve, handler, codec, metadata, connections, inFlight, rate, durationMs, requests, timeoutMs } =
    plan;
  const clients = Array.from({ length: connections }, () =>
    createClientWith(codec, { connect: addresses, curve, timeoutMs, maxInFlight: inFlight, batch: plan.batch }),
  );
  const call = { metadata, ...(handler !== undefined && { handler }) };
  const recorder = await createRecorder(rate !== undefined);
  const startsAt = performance.now();
  const measuredFrom = startsAt + plan.warmupMs;
  recorder.measureFrom(measuredFrom);
  const span: Span = {
    measuredFrom,
    endsAt: durationMs === undefined ? undefined : measuredFrom + durationMs,
    requests,
  };
  const startedAt = new Date().toISOString();
  // Whoever waited for longer than the timeout would have gone away in life, too.
  const backlog = Math.min(MOST_WAITING, Math.ceil(((rate ?? 0) * timeoutMs) / 1000) || 1);
  const pace = rate === undefined ? createClosedPace(span) : createOpenPace({ ...span, rate, startsAt, backlog });
  const idleBefore = performance.eventLoopUtilization();
  let interruptedAt: number | undefined;
  const load = startLoad({
    clients,
    inFlight,
    pace,
    bodies: plan.bodies,
    exchange: plan.check
      ? async (client, body) => decodeReply(codec, await client.exchange(body, call))
      : (client, body) => client.exchange(body, call),
    onEnd: recorder.add,
    endsAt: span.endsAt,
    awayMs: durationMs === undefined ? timeoutMs : undefined,
  });

  async function collect(): Promise<RunFigures> {
    await load.done;
    const { utilization } = performance.eventLoopUtilization(idleBefore);
    const { elapsedMs, ok, failed, notSent, ...rest } = recorder.figures(
      interruptedAt ?? performance.now(),
      pace.notSent(),
    );
    return {
      startedAt,
      target: { addresses, handler: handler ?? null, codec: codec.name, bodies: sizeOf(plan.bodies) },
      load: {
        loop: rate === undefined ? "closed" : "open",
        connections,
        inFlight,
        rate: rate ?? null,
        durationMs: durationMs ?? null,
        requests: requests ?? null,
        warmupMs: plan.warmupMs,
        timeoutMs,
        check: plan.check,
        batch: plan.batch,
      },
      interrupted: interruptedAt !== undefined,
      elapsedMs,
      ok,
      failed,
      notSent,
      unanswered: load.unanswered(),
      // At a rate it looks at the clock when it has nothing else to do, so this would say nothing.
      generatorBusy: rate === undefined ? rounded(utilization) : null,
      ...rest,
    };
  }

  return {
    figures: collect(),
    interrupt() {
      interruptedAt ??= performance.now();
      load.stop();
    },
    progress() {
      const { ok, failed } = recorder.progress();
      const ofTime = durationMs === undefined ? 0 : (performance.now() - startsAt) / (plan.warmupMs + durationMs);
      const ofRequests = requests === undefined ? 0 : (ok + failed) / requests;
      return { share: Math.min(1, Math.max(ofTime, ofRequests)), ok, failed };
    },
  };
}

function sizeOf(bodies: readonly Body[]): { count: number; meanBytes: number } {
  const bytes = bodies.flat().reduce((sum, frame) => sum + frame.length, 0);
  return { count: bodies.length, meanBytes: rounded(bytes / bodies.length) };
}
