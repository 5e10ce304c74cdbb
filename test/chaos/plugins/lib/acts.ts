/** All that a handler may do to its host. What is allowed to come of each is in test/chaos/acts.ts. */
import { closeSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { type ErrorCode, type HandlerContext, ZmqEchoError } from "zmqecho";
import { type Ask, askFrom, type Editions, replyTo } from "./ask.ts";

interface Scene {
  readonly ask: Ask;
  readonly context: HandlerContext;
  /** The reply as it should be. */
  readonly reply: () => unknown;
}

export function perform(input: unknown, context: HandlerContext, editions: Editions): unknown {
  const ask = askFrom(input);
  const act = ACTS[ask.act];
  if (act === undefined) throw new Error(`chaos: there is no act ${ask.act}`);
  return act({ ask, context, reply: () => replyTo(ask, input, context, editions) });
}

const ACTS: Readonly<Record<string, (scene: Scene) => unknown>> = {
  now: ({ reply }) => reply(),
  later: async ({ ask, reply }) => {
    await delay(ask.ms);
    return reply();
  },
  block: ({ ask, reply }) => {
    const end = performance.now() + (ask.ms ?? 0);
    while (performance.now() < end);
    return reply();
  },
  reuse: ({ context, reply }) => (context.codec === "raw" ? reused(reply()) : reply()),
  settlesTwice: ({ reply }) => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    then(resolve: (value: unknown) => void, reject: (error: Error) => void) {
      resolve(reply());
      resolve("another");
      reject(new Error("chaos: a third"));
      throw new Error("chaos: and a fourth");
    },
  }),
  prints: ({ ask, reply }) => {
    console.log(`chaos prints ${ask.n} ${"-".repeat(2000)}`);
    return reply();
  },
  logs: ({ context, reply }) => {
    context.log.info({ unreadable: unreadable(), when: new Date(0), error: new Error("chaos: logged") }, "chaos logs");
    return reply();
  },
  posts: ({ reply }) => {
    parentPort?.postMessage({ kind: "result", id: 1, body: [] });
    process.send?.({ kind: "result", id: 1, body: [] });
    return reply();
  },

  throws: ({ ask }) => {
    throw new Error(`chaos: ${ask.n} throws`);
  },
  throwsOurs: ({ ask }) => {
    throw new ZmqEchoError(ask.code as ErrorCode, `chaos ${ask.n}`, { details: { n: ask.n } });
  },
  throwsNull: () => {
    throw null;
  },
  throwsUnreadable: () => {
    throw unreadable();
  },
  throwsHalfReadable: () => {
    const resist = { get: () => unreadable() };
    throw Object.defineProperties(new ZmqEchoError("aborted", "chaos"), { message: resist, details: resist });
  },
  rejectsNull: () => Promise.reject(null),
  rejects: async ({ ask }) => {
    await delay(ask.ms);
    throw new Error(`chaos: ${ask.n} rejects`);
  },

  returnsFunction: ({ ask }) => ({ n: ask.n, call: () => 1 }),
  returnsCycle: ({ ask }) => {
    const cycle: Record<string, unknown> = { n: ask.n };
    cycle.again = [cycle];
    return cycle;
  },
  returnsUnreadable: () => unreadable(),
  returnsTooMuch: () => ({ pad: "x".repeat(5_000_000) }),
  returnsTooDeep: () => {
    let deep: unknown = null;
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    return deep;
  },

  hangs: () => new Promise(() => {}),
  heeds: ({ context: { signal } }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  resists: ({ context: { signal } }) => {
    signal.addEventListener("abort", () => {
      throw new Error("chaos: a listener throws");
    });
    return new Promise(() => {});
  },
  comesLate: async ({ context, reply }) => {
    await delay(context.deadline - Date.now() + 40);
    return reply();
  },
  comesJustInTime: async ({ ask, context, reply }) => {
    await delay(context.deadline - Date.now() + (ask.ms ?? 0) - 25);
    return reply();
  },

  loops: () => {
    for (;;);
  },
  exits: ({ ask }) => process.exit((ask.ms ?? 0) % 3),
  fillsMemory: () => {
    const kept: unknown[] = [];
    for (;;) kept.push(Array.from({ length: 1000 }, (_, index) => ({ index, kept })));
  },
  aborts: () => process.abort(),
  killsItself: () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => {});
  },
  closesItsPipe: () => {
    closeSync(3);
    return new Promise(() => {});
  },
  writesToItsPipe: () => {
    writeSync(3, Buffer.alloc(64, 7));
    return new Promise(() => {});
  },

  throwsLater: ({ ask, reply }) => {
    setTimeout(() => {
      throw new Error(`chaos: ${ask.n} throws later`);
    }, ask.ms);
    return reply();
  },
  rejectsLater: ({ ask, reply }) => {
    setTimeout(() => void Promise.reject(new Error(`chaos: ${ask.n} rejects later`)), ask.ms);
    return reply();
  },
  throwsNullLater: ({ ask, reply }) => {
    setTimeout(() => {
      throw null;
    }, ask.ms);
    return reply();
  },
  exitsLater: ({ ask, reply }) => {
    setTimeout(() => process.exit(), ask.ms);
    return reply();
  },
};

/** Whatever is asked of it, it throws. */
function unreadable(): object {
  const resist = (): never => {
    throw new Error("chaos: can't be read");
  };
  const traps = ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"];
  return new Proxy({}, Object.fromEntries(traps.map((trap) => [trap, resist])));
}

/** The reply's bytes in a buffer that the next call overwrites, and that is overwritten at once when it has been returned. */
const shared = Buffer.alloc(1_000_000);

function reused(value: unknown): unknown {
  const frames = (Array.isArray(value) ? value : [value]) as Buffer[];
  let end = 0;
  const parts = frames.map((frame) => {
    const part = shared.subarray(end, end + frame.length);
    part.set(frame);
    end += frame.length;
    return part;
  });
  setImmediate(() => shared.fill(0, 0, end));
  return parts.length === 1 ? parts[0] : parts;
}
