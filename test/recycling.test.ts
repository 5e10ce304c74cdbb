import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Keyring } from "../src/curve/keyring.ts";
import { createRecycling } from "../src/recycling.ts";

/** A host's pair and its clients' keys, by letters. */
const ring = (pair: string, ...allowed: string[]): Keyring => ({
  pair: { publicKey: pair, secretKey: pair },
  allowed: new Set(allowed),
  source: { certificate: "c", allow: "a" },
  readAt: 0,
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function recycling() {
  const told: string[][] = [];
  const made = createRecycling(() => told.push([...made.due()]));
  return { ...made, told };
}

test("a key that goes is due a second later, and those that go meanwhile with it", () => {
  const { note, told, due } = recycling();
  note("e", ring("s", "a", "b"), ring("s", "a"));
  vi.advanceTimersByTime(900);
  note("e", ring("s", "a"), ring("s"));
  expect(due().size).toBe(0);
  vi.advanceTimersByTime(101);
  expect(told).toEqual([["e"]]);
  vi.advanceTimersByTime(5000);
  expect(told).toHaveLength(1);
});

test("a key that comes is no reason", () => {
  const { note, told, due } = recycling();
  note("e", ring("s", "a"), ring("s", "a", "b"));
  vi.advanceTimersByTime(5000);
  expect([told, due().size]).toEqual([[], 0]);
});

test("another pair of the host's own is one", () => {
  const { note, told } = recycling();
  note("e", ring("s", "a"), ring("t", "a"));
  vi.advanceTimersByTime(1001);
  expect(told).toEqual([["e"]]);
});

test("nobody is cut off if all that went are back by then", () => {
  const { note, due } = recycling();
  note("e", ring("s", "a", "b"), ring("s", "a"));
  note("e", ring("s", "a"), ring("s", "c", "b", "a"));
  vi.advanceTimersByTime(5000);
  expect(due().size).toBe(0);
});

test("one of several that is not back is reason enough, though it came only meanwhile", () => {
  const { note, due } = recycling();
  note("e", ring("s", "a"), ring("s"));
  note("e", ring("s"), ring("s", "a", "b"));
  note("e", ring("s", "a", "b"), ring("s", "a"));
  vi.advanceTimersByTime(5000);
  expect([...due()]).toEqual(["e"]);
});

test("a socket that is gone is not made anew", () => {
  const { note, forget, due } = recycling();
  note("e", ring("s", "a"), ring("s"));
  forget("e");
  vi.advanceTimersByTime(5000);
  expect(due().size).toBe(0);
});
