/** One suite over every codec, both protocols and both ways to serve: what a caller sees does not depend on them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { createClient } from "../../src/client/create-client.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerDefinition, HandlerFunction, Value } from "../../src/handler.ts";
import { createHost, type Host } from "../../src/host.ts";
import { ANY_PORT, addressOf, recordingLog } from "../hosts.ts";

const PROTOCOLS = ["plain", "zep"] as const;
const WAYS = { "lock-step": 1, "side by side": 8 } as const;

const HANDLERS: Record<string, HandlerFunction | HandlerDefinition> = {
  same: (input) => input,
  later: async (input) => {
    await new Promise(setImmediate);
    return input;
  },
  refuse: () => {
    throw new ZmqEchoError("not_found", "no such order", { details: { order: 7 } });
  },
  "throw-error": () => {
    throw new TypeError("secret: 12345");
  },
  "throw-null": () => {
    throw null;
  },
  "throw-text": () => {
    throw "secret: 12345";
  },
  "throw-unreadable": () => {
    throw new Proxy({}, { get: () => expect.fail("it was read"), getPrototypeOf: () => expect.fail("it was read") });
  },
  "reject-null": () => Promise.reject(null),
  hang: { timeoutMs: 60, handle: () => new Promise(() => undefined) },
  "hold-on": {
    timeoutMs: 20,
    handle: () => {
      const end = performance.now() + 40;
      while (performance.now() < end);
      return "late";
    },
  },
  function: () => ({ list: [() => 1] }),
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    cycle.again = [cycle];
    return cycle;
  },
  "bad-details": () => {
    throw new ZmqEchoError("aborted", "see details", { details: { big: 1n } as never });
  },
};

for (const codec of BUILT_IN_CODECS) {
  for (const protocol of PROTOCOLS) {
    for (const [way, concurrency] of Object.entries(WAYS)) {
      describe(`${codec}, ${protocol}, ${way}`, () => {
        const log = recordingLog();
        const clients = new Map<string, Client>();
        let host: Host;

        beforeAll(async () => {
          const zep = { zep: { bind: ANY_PORT, concurrency, handlers: ["*"] } };
          const plain = Object.keys(HANDLERS).map((handler) => [
            handler,
            { bind: ANY_PORT, concurrency, handler, codec },
          ]);
          const endpoints = protocol === "zep" ? zep : Object.fromEntries(plain);
          host = createHost({ plugins: [], endpoints }, { handlers: HANDLERS, log });
          await host.start();
          for (const endpoint of host.addresses.keys()) {
            clients.set(endpoint, createClient({ connect: addressOf(host, endpoint), codec }));
          }
        });

        afterAll(async () => {
          await host.stop();
          for (const client of clients.values()) await client.close();
        });

        function call(handler: string, input: unknown = "x"): Promise<Value> {
          const client = clients.get(protocol === "zep" ? "zep" : handler);
          if (client === undefined) throw new Error(`nothing serves ${handler}`);
          return protocol === "zep" ? client.call(handler, input) : client.request(input);
        }

        test("replies with what the handler returns", async () => {
          expect(textOf(await call("same", "Hello world!"))).toBe("Hello world!");
        });

        test("waits for a promise, and answers the next call after it", async () => {
          expect(textOf(await call("later", "one"))).toBe("one");
          expect(textOf(await call("later", "two"))).toBe("two");
        });

        test("tells what a ZmqEchoError says, with its details and the request id", async () => {
          await expect(call("refuse")).rejects.toMatchObject({
            code: "not_found",
            message: "no such order",
            details: { order: 7, requestId: expect.stringMatching(/./) },
          });
        });

        test.each(["throw-error", "throw-null", "throw-text", "throw-unreadable", "reject-null"])(
          "keeps what the handler %s throws to the log",
          async (handler) => {
            const error = await failureOf(call(handler));
            expect(error.code).toBe("internal");
            expect(JSON.stringify([error.message, error.details])).not.toContain("secret");
            const { requestId } = error.details;
            const line = log.records.find(({ level, fields }) => level === "error" && fields.requestId === requestId);
            expect(line?.fields).toMatchObject({ handler, err: expect.any(Error) });
          },
        );

        test("answers for a promise that never settles, and serves the next call", async () => {
          expect(await failureOf(call("hang"))).toMatchObject({ code: "deadline_exceeded" });
          expect(await failureOf(call("hang"))).toMatchObject({ code: "deadline_exceeded" });
        });

        test("answers `deadline_exceeded` for a handler that held the thread past its deadline", async () => {
          expect(await failureOf(call("hold-on"))).toMatchObject({ code: "deadline_exceeded" });
        });

        test.each([
          ["function", "$.list"],
          ["cycle", "$.again"],
        ])("answers `internal` for a result with a %s, and logs where it is", async (handler, path) => {
          const error = await failureOf(call(handler));
          expect(error.code).toBe("internal");
          const { requestId } = error.details;
          const logged = log.records.find(({ fields }) => fields.requestId === requestId && fields.err !== undefined);
          const { cause } = (logged?.fields.err ?? {}) as { cause?: Error };
          // Raw has no values in values, so there is no path to tell.
          expect(cause?.message).toContain(codec === "raw" ? "raw" : path);
        });

        test("answers even if the details of an error are no JSON", async () => {
          expect(await failureOf(call("bad-details"))).toMatchObject({
            code: "aborted",
            details: { detailsDropped: "not a JSON object" },
          });
        });

        // Raw takes any bytes; its body can't be wrong.
        test.skipIf(codec === "raw")(
          "answers a body that is none of the codec's, and serves the next call",
          async () => {
            const client = clients.get(protocol === "zep" ? "zep" : "same");
            const broken = client?.exchange(
              [Buffer.from([0xc1, 0xff, 0x00])],
              protocol === "zep" ? { handler: "same" } : {},
            );
            expect(await failureOf(broken)).toMatchObject({ code: "invalid_argument" });
            expect(await call("same", "next")).toBe("next");
          },
        );
      });
    }
  }
}

/** Raw gives bytes where the others give text. */
function textOf(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

async function failureOf(call: Promise<unknown> | undefined): Promise<ZmqEchoError> {
  const error = await Promise.resolve(call).then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (!ZmqEchoError.is(error)) throw error;
  return error;
}
