import { describe, expect, test } from "vitest";
import { createFairQueue } from "../../src/core/waiting.ts";

interface Entry {
  readonly peer: string;
  readonly slot: string;
  readonly places: number;
  readonly name: string;
}

/** `a1` is the first call of peer a, for the handler `h`; `a1:x` one for the handler x. */
function queueOf(...names: string[]) {
  const queue = createFairQueue<string, Entry>();
  for (const name of names) queue.add({ peer: name.charAt(0), slot: name.split(":")[1] ?? "h", places: 1, name });
  return {
    queue,
    takeAll: (hasPlace: (slot: string) => boolean = () => true) => {
      const taken: string[] = [];
      for (let next = queue.take(hasPlace); next !== undefined; next = queue.take(hasPlace)) taken.push(next.name);
      return taken;
    },
  };
}

describe("the next one", () => {
  test("is each peer's in turn, and of a peer the oldest", () => {
    expect(queueOf("a1", "a2", "a3", "b1", "c1", "b2").takeAll()).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  test("is one whose handler has a place", () => {
    const { queue, takeAll } = queueOf("a1:x", "a2:y", "b1:x", "b2:y");
    expect(takeAll((slot) => slot === "y")).toEqual(["a2:y", "b2:y"]);
    expect(takeAll()).toEqual(["a1:x", "b1:x"]);
    expect([queue.size, [...queue.slots()]]).toEqual([0, []]);
  });

  test("is found quickly in a long queue", () => {
    const { queue, takeAll } = queueOf();
    for (let index = 0; index < 100_000; index++) queue.add({ peer: "a", slot: "h", places: 1, name: `${index}` });
    const taken = takeAll();
    expect([taken.length, taken[0], taken.at(-1)]).toEqual([100_000, "0", "99999"]);
  });
});

describe("when there is no room", () => {
  test("the peer with most waiting gives up its newest", () => {
    const { queue, takeAll } = queueOf("a1", "b1", "b2", "b3");
    expect(queue.evictFor({ peer: "c", places: 1 })?.name).toBe("b3");
    expect(takeAll()).toEqual(["a1", "b1", "b2"]);
  });

  test.each([
    ["has most itself", ["a1", "a2", "b1"], "a"],
    ["would have as many as any", ["a1", "b1", "c1"], "d"],
    ["would only trade places", ["a1", "a2", "b1"], "b"],
    ["finds nobody waiting", [], "a"],
  ])("a newcomer that %s gives way", (_, names, peer) => {
    expect(queueOf(...names).queue.evictFor({ peer, places: 1 })).toBeUndefined();
  });
});

test("one that is removed is not taken, and not removed again", () => {
  const { queue, takeAll } = queueOf("a1", "a2");
  const [first] = queue.entries();
  if (first === undefined) throw new Error("the queue is empty");
  expect([queue.remove(first), queue.remove(first), queue.size]).toEqual([true, false, 1]);
  expect(takeAll()).toEqual(["a2"]);
});

test("the peer with most places gives up its newest, though others have more calls", () => {
  const { queue, takeAll } = queueOf("a1", "a2", "a3");
  queue.add({ peer: "b", slot: "h", places: 10, name: "b1" });
  expect(queue.places).toBe(13);
  expect(queue.evictFor({ peer: "c", places: 2 })?.name).toBe("b1");
  expect(queue.places).toBe(3);
  expect(queue.evictFor({ peer: "c", places: 3 })).toBeUndefined();
  expect(takeAll()).toEqual(["a1", "a2", "a3"]);
});
