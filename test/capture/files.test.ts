/** The files of one folder: how many, how large, which go, and whose they are. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Bounds, createCaptureFiles, type NewEntry } from "../../src/capture/files.ts";
import { folderWith } from "../config/folder.ts";
import { bytesIn, recordingsIn, requestsIn } from "./kept.ts";

const HEAD = { target: "tcp://127.0.0.1:1", codec: "json", zep: false };
const ROOMY: Bounds = { max: 1000, maxBytes: 1_000_000 };
const START = Date.UTC(2026, 0, 31);

function failedWith(request: string, at = START): NewEntry {
  const failed = { code: "internal", message: "no", endpoint: "e", handler: "it" } as const;
  return { at, request: [Buffer.from(request)], reply: [Buffer.from("no")], latencyMs: 1, failed };
}

const folder = () => join(folderWith({}), "captures");

/** As many as there are numbers, each a second after the one before. */
async function append(dir: string, bounds: Bounds, from: number, to: number, text = (number: number) => `${number}`) {
  const files = createCaptureFiles(dir, bounds);
  for (let number = from; number < to; number++)
    await files.append("e", HEAD, failedWith(text(number), START + number * 1000));
  return files;
}

test("the oldest go, a tenth at a time, when there are more than max", async () => {
  const dir = folder();
  await append(dir, { ...ROOMY, max: 20 }, 0, 45);
  const numbers = (await requestsIn(dir)).map(Number);
  expect(numbers.length).toBeGreaterThan(17);
  expect(numbers.length).toBeLessThanOrEqual(20);
  expect(numbers).toEqual(numbers.map((_, index) => 45 - numbers.length + index));
});

test("one at a time is kept if that is all there may be", async () => {
  const dir = folder();
  await append(dir, { ...ROOMY, max: 1 }, 0, 3);
  expect(await requestsIn(dir)).toEqual(["2"]);
});

test("they never take more than maxBytes", async () => {
  const dir = folder();
  const bounds = { max: 1000, maxBytes: 5000 };
  const files = createCaptureFiles(dir, bounds);
  for (let number = 0; number < 60; number++) {
    await files.append("e", HEAD, failedWith("x".repeat((number * 37) % 400), START + number));
    expect(bytesIn(dir)).toBeLessThanOrEqual(bounds.maxBytes);
  }
  expect(bytesIn(dir)).toBeGreaterThan(bounds.maxBytes / 2);
});

test("what is larger than all of it is refused, and what is there stays", async () => {
  const dir = folder();
  const files = await append(dir, { max: 10, maxBytes: 2000 }, 0, 1);
  await expect(files.append("e", HEAD, failedWith("x".repeat(2000)))).rejects.toThrow(
    /take \d+ bytes, and maxBytes is 2000/,
  );
  expect(await requestsIn(dir)).toEqual(["0"]);
});

test("what is there at the start counts", async () => {
  const dir = folder();
  await append(dir, { ...ROOMY, max: 10 }, 0, 8);
  await append(dir, { ...ROOMY, max: 10 }, 8, 14);
  expect((await requestsIn(dir)).map(Number)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
});

test("files that have other names are neither counted nor touched", async () => {
  const dir = folder();
  mkdirSync(join(dir, "capture-2026-01-01T000000.000Z-e-1-1.jsonl"), { recursive: true });
  const others = ["notes.txt", "orders.jsonl", "capture-mine.jsonl"];
  for (const name of others) writeFileSync(join(dir, name), "x".repeat(5000));
  await append(dir, { max: 1, maxBytes: 1000 }, 0, 5);
  expect(others.map((name) => readFileSync(join(dir, name), "utf8").length)).toEqual([5000, 5000, 5000]);
  expect(readdirSync(dir)).toHaveLength(5);
});

test("each endpoint has files of its own, and bounds hold for all of them together", async () => {
  const dir = folder();
  const files = createCaptureFiles(dir, { ...ROOMY, max: 6 });
  for (let number = 0; number < 20; number++)
    await files.append(`e${number % 3}`, HEAD, failedWith(`${number}`, START + number * 1000));
  expect((await requestsIn(dir)).map(Number).sort((one, other) => one - other)).toEqual([14, 15, 16, 17, 18, 19]);
});

test("a file that was taken away is not missed", async () => {
  const dir = folder();
  const files = await append(dir, ROOMY, 0, 3);
  const [recording] = await recordingsIn(dir);
  rmSync(recording?.file ?? "");
  await files.append("e", HEAD, failedWith("after"));
  expect(await requestsIn(dir)).toEqual(["after"]);
});

test("a link that somebody has put in the place of a file is not followed", async () => {
  const dir = folder();
  const elsewhere = join(dir, "../elsewhere");
  const files = await append(dir, ROOMY, 0, 1);
  const [recording] = await recordingsIn(dir);
  const { file } = recording ?? { file: "" };
  writeFileSync(elsewhere, "not ours");
  rmSync(file);
  symlinkSync(elsewhere, file);
  await files.append("e", HEAD, failedWith("after"));
  expect(readFileSync(elsewhere, "utf8")).toBe("not ours");
  rmSync(file);
  expect(await requestsIn(dir)).toEqual(["after"]);
});

test("a large request is written as it was", async () => {
  const dir = folder();
  const bytes = Buffer.from(Uint8Array.from({ length: 300_001 }, (_, index) => index % 251));
  await createCaptureFiles(dir, ROOMY).append("e", HEAD, { ...failedWith(""), request: [bytes, Buffer.alloc(0)] });
  const [recording] = await recordingsIn(dir);
  const [kept = Buffer.alloc(0), empty] = recording?.entries[0]?.request ?? [];
  expect([Buffer.compare(kept, bytes), empty?.length]).toEqual([0, 0]);
});

test("smaller bounds hold from the next one on", async () => {
  const dir = folder();
  const files = await append(dir, { ...ROOMY, max: 100 }, 0, 30);
  files.configure({ ...ROOMY, max: 5 });
  await files.append("e", HEAD, failedWith("30", START + 30_000));
  expect((await requestsIn(dir)).length).toBeLessThanOrEqual(5);
  expect((await requestsIn(dir)).at(-1)).toBe("30");
});
