/** Sockets of other languages, and of other kinds than ours, at both of our kinds: REP in lock-step, and ROUTER. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createClient, type HandlerFunction } from "zmqecho";
import { serve } from "./hosts.ts";
import { build, here, python, root, run, startPython } from "./programs.ts";

let built: string;

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), "zmqecho-c-"));
  await Promise.all([
    build(`${here}frames_client.c`, join(built, "frames_client")),
    build(`${root}examples/clients/echo.c`, join(built, "echo")),
  ]);
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

const about: HandlerFunction = (_, { requestId, metadata, codec }) => ({ requestId, metadata: { ...metadata }, codec });
const later: HandlerFunction = (input) => delay(5, input);

describe.each([
  { socket: "REP", concurrency: 1 },
  { socket: "ROUTER", concurrency: 16 },
])("$socket", ({ concurrency }) => {
  test("gives Python's REQ its frames back, byte for byte", async () => {
    expect(await python("frames_client.py", await serve({ concurrency }))).toBe("11\n");
  });

  test("gives a REQ in C its frames back, byte for byte", async () => {
    expect(await run(join(built, "frames_client"), [await serve({ concurrency })])).toBe("5\n");
  });

  test("answers a DEALER with REQ's envelope, and with a longer one, and passes over what has none", async () => {
    await python("dealer_client.py", await serve({ concurrency }));
  });

  test("answers calls by name from Python", async () => {
    await python("zep_client.py", await serve({ handlers: ["*"], concurrency }, { about }));
  });

  test("answers batches from Python, also behind two proxies of somebody else's", async () => {
    const handlers = { about, later };
    await python("batch_client.py", await serve({ handlers: ["*"], concurrency, queue: 1000 }, handlers));
    const [forClients = "", forWorkers = ""] = await startPython("proxies.py", []);
    await serve({ connect: forWorkers, handlers: ["*"], concurrency, queue: 1000 }, handlers);
    await python("batch_client.py", forClients);
  });

  test("works behind two proxies of somebody else's", async () => {
    const [forClients = "", forWorkers = ""] = await startPython("proxies.py", []);
    await serve({ connect: forWorkers, concurrency });
    expect(await python("frames_client.py", forClients)).toBe("11\n");
    expect(await run(join(built, "frames_client"), [forClients])).toBe("5\n");
    const client = createClient({ connect: forClients });
    onTestFinished(() => client.close());
    const reply = (await client.request("through both")) as Uint8Array;
    expect(Buffer.from(reply).toString()).toBe("through both");
  });

  test.each(["raw", "json"])("serves the example clients in Python and C (codec %s)", async (codec) => {
    const plain = await serve({ codec, concurrency });
    const gateway = await serve({ handlers: ["*"], concurrency });
    expect(await run("/usr/bin/python3", [`${root}examples/clients/echo.py`, plain, gateway])).toContain("by name");
    expect(await run(join(built, "echo"), [plain, gateway])).toContain("by name");
  });
});
