/** One worker of a pool: started, given a call at a time, asked to end, or killed. */
import { types } from "node:util";
import type { Body } from "../../codecs/codec.ts";
import { DEFAULTS } from "../../config/defaults.ts";
import type { Log } from "../../handler.ts";
import { traceData } from "../../tracing/trace.ts";
import { dataFromError, errorFromData } from "../link/error-data.ts";
import { type Ending, startLink, type WorkerKind } from "../link/link.ts";
import type { FromWorker, LogMessage, StartMessage } from "../link/messages.ts";
import { preloads } from "../link/preloads.ts";
import type { CodecRecipe } from "../recipe.ts";
import type { Job } from "../runner.ts";
import { type LastWords, lossFrom } from "./loss.ts";
import { limitStart } from "./start-limit.ts";

/** A call that a worker can run: it brings what its codec is made from. */
export interface WorkerJob extends Job {
  readonly recipe: CodecRecipe;
}

export interface WorkerPlan {
  readonly kind: WorkerKind;
  readonly start: StartMessage;
  readonly memoryMb: number;
  readonly log: Log;
}

export interface WorkerEvents {
  /** It has ended its call and takes the next. */
  free(worker: PoolWorker): void;
  /** Its call is over for its caller and goes on: it will be free in a moment, or lost. */
  overdue(worker: PoolWorker): void;
  /** It takes no more calls, though nobody had asked it to end. Comes once. */
  lost(worker: PoolWorker, error: Error): void;
}

export interface PoolWorker {
  /** When it has set up. Rejects with what went wrong. */
  readonly ready: Promise<void>;
  /** How many it was given so far. */
  calls(): number;
  /** Give it one at a time, when it is ready. Rejects with what the handler threw, or with what happened to the worker. */
  run(job: WorkerJob): Promise<Body>;
  /**
   * Tears down when its call has ended, and resolves when it has ended itself. What has not after `withinMs` is killed.
   * Rejects with what teardown threw, or when it was killed. A second time may shorten the time.
   */
  close(withinMs: number): Promise<void>;
}

/** How long a handler may go on when its call is over. */
const KILL_AFTER_MS = 100;

/** How long an end from outside is waited for: a thread in the midst of a native call ends only after that. */
const KILLED_MS = 1_000;

interface Current {
  readonly id: number;
  readonly resolve: (body: Body) => void;
  readonly reject: (error: Error) => void;
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /**
   * Its codec is being loaded. A thread that is killed while it imports leaves a file open for as long as the host lives.
   */
  isLoading: boolean;
  killing?: NodeJS.Timeout;
}

/** Starts one. Throws if it can't be started at all. */
export function startWorker({ kind, start, memoryMb, log }: WorkerPlan, events: WorkerEvents): PoolWorker {
  const { handler } = start;
  const name = `the worker (${kind}) of handler ${JSON.stringify(handler)}`;
  const ready = latch();
  const ended = latch();
  /** The codecs it has, by endpoint and name. */
  const recipes = new Map<string, CodecRecipe>();
  let state: "starting" | "idle" | "busy" | "gone" = "starting";
  let calls = 0;
  let current: Current | undefined;
  let lastWords: LastWords | undefined;
  let isClosing = false;
  let tornDown = false;
  let flaw: Error | undefined;

  const link = startLink(kind, { name: handler, memoryMb, preload: preloads(), receive, ended: hasEnded });
  const limit = limitStart(start, (text) => lose(new Error(`${name}: ${text}`)));
  link.send(start);

  /** A plugin can get at the other end, so a message may be anything. */
  function receive(message: FromWorker): void {
    try {
      read(message);
    } catch (cause) {
      lose(new Error(`${name} sent what is no message`, { cause }));
    }
  }

  function read(message: FromWorker): void {
    switch (message.kind) {
      case "running":
        limit.running();
        break;
      case "loaded":
        limit.loaded();
        break;
      case "ready":
        limit.done();
        ready.open();
        rest();
        break;
      case "failed":
        lose(errorFromData(message.error));
        break;
      case "begun":
        if (current?.id === message.id) begun(current);
        break;
      case "result":
        expectBody(message.body);
        settle(message.id, ({ resolve }) => resolve(message.body));
        break;
      case "error":
        fail(message.id, errorFromData(message.error));
        break;
      case "log":
        write(log, message);
        break;
      case "dying":
        lastWords = message;
        break;
      case "closed":
        tornDown = true;
        if (message.error !== undefined) flaw = errorFromData(message.error);
    }
  }

  function fail(id: number, error: Error): void {
    settle(id, ({ reject }) => reject(error));
  }

  /** Nothing to do, unless it was asked to end meanwhile. */
  function rest(): void {
    state = "idle";
    if (isClosing) {
      link.send({ kind: "close" });
    } else {
      link.keepsAlive(false);
      events.free(worker);
    }
  }

  function run(job: WorkerJob): Promise<Body> {
    return new Promise((resolve, reject) => {
      const { endpoint, recipe, body, requestId, metadata, deadline, signal, trace } = job;
      const id = ++calls;
      const codec = recipe.name;
      const key = `${endpoint}\n${codec}`;
      const news = recipes.get(key) === recipe ? undefined : recipe;
      if (news !== undefined) recipes.set(key, recipe);
      state = "busy";
      current = { id, resolve, reject, signal, abort, isLoading: news !== undefined };
      link.keepsAlive(true);
      signal.addEventListener("abort", abort);
      try {
        const call = { kind: "call", id, endpoint, codec, recipe: news, body, requestId, metadata, deadline } as const;
        link.send(trace === undefined ? call : { ...call, trace: traceData(trace) });
      } catch (error) {
        settle(id, () => reject(error));
      }
    });
  }

  /** The call is over for its caller, so its handler has a moment to end. */
  function abort(): void {
    if (current === undefined) return;
    events.overdue(worker);
    link.send({ kind: "abort", id: current.id, reason: dataFromError(current.signal.reason) });
    killLater(current);
  }

  function begun(call: Current): void {
    call.isLoading = false;
    if (call.signal.aborted) killLater(call);
  }

  function killLater(call: Current): void {
    clearTimeout(call.killing);
    const ms = call.isLoading ? DEFAULTS.setupTimeoutMs : KILL_AFTER_MS;
    // When we were busy ourselves, its answer may be there and not read yet; a timer comes before that.
    call.killing = setTimeout(() => setImmediate(kill, call.id), ms);
  }

  function kill(id: number): void {
    if (current?.id !== id) return;
    const what = `handler ${JSON.stringify(handler)} did not end within ${KILL_AFTER_MS} ms of its signal`;
    lose(new Error(`${what}, so its worker (${kind}) was killed`));
  }

  function settle(id: number, how: (call: Current) => void): void {
    if (current?.id !== id) return;
    how(leave(current));
    rest();
  }

  function leave(call: Current): Current {
    call.signal.removeEventListener("abort", abort);
    clearTimeout(call.killing);
    current = undefined;
    return call;
  }

  function hasEnded(ending: Ending): void {
    ended.open();
    lose(lossFrom(state === "starting" ? `${name}, before it was ready,` : name, ending, lastWords));
  }

  /** It is of no use any more, whatever the reason, and need not have ended yet. */
  function lose(error: Error): void {
    if (state === "gone") return;
    if (state !== "starting" && !tornDown) flaw ??= error;
    state = "gone";
    limit.done();
    link.kill();
    ready.fail(error);
    if (current !== undefined) leave(current).reject(error);
    if (isClosing) return;
    link.keepsAlive(false);
    events.lost(worker, error);
  }

  async function close(withinMs: number): Promise<void> {
    link.keepsAlive(true);
    if (!isClosing && state === "idle") link.send({ kind: "close" });
    isClosing = true;
    const timers = [
      setTimeout(() => lose(new Error(`it took over ${withinMs} ms, so its worker (${kind}) was killed`)), withinMs),
      setTimeout(ended.open, withinMs + KILLED_MS),
    ];
    await ended.opened;
    timers.forEach(clearTimeout);
    if (flaw !== undefined) throw flaw;
  }

  const worker: PoolWorker = { ready: ready.opened, calls: () => calls, run, close };
  return worker;
}

function expectBody(body: unknown): void {
  if (!Array.isArray(body) || body.length === 0 || !body.every(types.isUint8Array)) throw new TypeError("no body");
}

/** A line of the worker's log. What the host's own log throws is not the worker's business. */
function write(log: Log, { level, message, fields, errors }: LogMessage): void {
  try {
    const thrown = Object.entries(errors).map(([name, data]) => [name, errorFromData(data)]);
    log[level]({ ...fields, ...Object.fromEntries(thrown) }, message);
  } catch {
    // There is nobody left to tell.
  }
}

function latch() {
  let open = (): void => {};
  let fail = (_error: Error): void => {};
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  // Nobody may be waiting for it.
  opened.catch(() => {});
  return { opened, open, fail };
}
