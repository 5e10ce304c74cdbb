/** Keyrings of endpoints that are opened from a plan that is older than they are. */
import { expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../../src/config/load.ts";
import type { Keyring } from "../../src/curve/keyring.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { Deadlines } from "../../src/deadlines.ts";
import { createEndpoints } from "../../src/endpoints.ts";
import { client } from "../curve-site.ts";
import { ANY_PORT, recordingLog } from "../hosts.ts";

const [server, ann, eve] = [newKeyPair(), newKeyPair(), newKeyPair()];
const curve = { certificate: "/c", allow: "/a" };

function ring(readAt: number, ...allowed: string[]): ReadonlyMap<string, Keyring> {
  return new Map([["e", { pair: server, allowed: new Set(allowed), source: curve, readAt }]]);
}

function plan(keyrings: ReadonlyMap<string, Keyring>, lingerMs: number) {
  const { endpoints } = resolveConfig({ endpoints: { e: { bind: ANY_PORT, curve, limits: { lingerMs } } } }).config;
  return { endpoints, keyrings, codecsFor: () => () => undefined, hooksFor: () => [], graceMs: 0 };
}

function endpoints() {
  const made = createEndpoints({
    findHandler: () => undefined,
    introspectionFor: () => {
      throw new Error("nobody asks");
    },
    deadlines: new Deadlines(),
    newRequestId: () => "1",
    onDue: () => undefined,
    log: recordingLog(),
  });
  onTestFinished(() => made.close());
  const ask = async (own: typeof ann) => {
    const reply = await client(made.addresses.get("e")?.[0] ?? "", { server, own }).ask("hello");
    return reply === "refused" ? reply : "in";
  };
  return { ...made, ask };
}

const nothing = async () => undefined;

test("a socket that is made anew has the keys as they are then, not as its plan had them", async () => {
  const { apply, admit, ask } = endpoints();
  await apply(plan(ring(1, ann.publicKey, eve.publicKey), 100), nothing);
  expect([await ask(ann), await ask(eve)]).toEqual(["in", "in"]);
  admit(ring(3, ann.publicKey));
  expect([await ask(ann), await ask(eve)]).toEqual(["in", "refused"]);
  await apply(plan(ring(2, ann.publicKey, eve.publicKey), 200), nothing);
  expect([await ask(ann), await ask(eve)]).toEqual(["in", "refused"]);
});

test("an older look at the folder does not undo a newer one, and keys that go while a handler is set up go at once", async () => {
  const { apply, admit, ask } = endpoints();
  await apply(plan(ring(1, ann.publicKey, eve.publicKey), 100), nothing);
  admit(ring(3, ann.publicKey));
  admit(ring(2, ann.publicKey, eve.publicKey));
  expect(await ask(eve)).toBe("refused");
  const seen: string[] = [];
  await apply(plan(ring(4, eve.publicKey), 100), async () => {
    seen.push(await ask(ann), await ask(eve));
  });
  expect(seen).toEqual(["refused", "in"]);
});
