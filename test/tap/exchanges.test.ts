import { expect, test } from "vitest";
import { createExchanges, type Exchange } from "../../src/tap/exchanges.ts";
import { packBatch, packedSize } from "../../src/wire/batch.ts";

type Frames = readonly (string | Buffer)[];

const textOf = ({ body }: Exchange["request"]) => body?.map(String).join("|");

/** A message `ZEP1 batch`, from ids and texts. */
function batch(...items: readonly (readonly [id: number, ...frames: string[]])[]): Frames {
  const packed = items.map(([id, ...frames]) => ({ id, frames: frames.map((frame) => Buffer.from(frame)) }));
  const bytes = packed.reduce((sum, { frames }) => sum + packedSize(frames), 0);
  return ["ZEP1 batch", packBatch(packed, bytes)];
}

const numberFrame = (id: number) => Buffer.from([id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255]);

function exchangesWith(limits: { most?: number; mostBytes?: number } = {}) {
  const givenUp: number[] = [];
  const onGivenUp = ({ number }: Exchange) => void givenUp.push(number);
  const exchanges = createExchanges({ most: 1000, mostBytes: 1_000_000, ...limits, onGivenUp });
  const talk = () => {
    const connection = exchanges.connection();
    const message = (frames: Frames) => frames.map((frame) => Buffer.from(frame));
    return {
      ask: (...frames: Frames) => connection.request(message(frames), 0, undefined)[0]?.number,
      answer: (...frames: Frames) => connection.reply(message(frames), 1, undefined)[0]?.exchange?.number,
      /** What each request says, and what each reply says to which. */
      askAll: (...frames: Frames) =>
        connection.request(message(frames), 0, undefined).map(({ number, request }) => `#${number} ${textOf(request)}`),
      answerAll: (...frames: Frames) =>
        connection
          .reply(message(frames), 1, undefined)
          .map(({ content, exchange }) => `#${exchange?.number} ${textOf(content)}`),
      connection,
    };
  };
  return { exchanges, givenUp, talk };
}

test("without an envelope, and with one alike, the first in is the first out", () => {
  const { ask, answer } = exchangesWith().talk();
  expect([ask("a"), ask("b"), ask("", "c"), ask("", "d")]).toEqual([1, 2, 3, 4]);
  expect([answer("", "C"), answer("A"), answer("B"), answer("", "D"), answer("E")]).toEqual([3, 1, 2, 4, undefined]);
});

test("envelopes of any number of hops tell replies apart, in any order", () => {
  const { ask, answer } = exchangesWith().talk();
  ask("1", "", "a");
  ask("1", "2", "", "b");
  ask("12", "", "c");
  ask("", "1", "", "d");
  expect(answer("12", "", "C")).toBe(3);
  expect(answer("2", "", "nobody's")).toBeUndefined();
  expect(answer("", "1", "", "D")).toBe(4);
  expect(answer("1", "2", "", "B")).toBe(2);
  expect(answer("1", "", "A")).toBe(1);
});

test("connections with the same envelope are two, and the end of one leaves the other", () => {
  const { givenUp, talk } = exchangesWith();
  const [one, other] = [talk(), talk()];
  one.ask("", "a");
  other.ask("", "b");
  one.ask("id", "", "c");
  one.connection.end();
  expect(givenUp).toEqual([1, 3]);
  expect([one.connection.isSettled(), other.connection.isSettled()]).toEqual([true, false]);
  expect([one.answer("", "A"), other.answer("", "B")]).toEqual([undefined, 2]);
});

test("too many, or too much, and the oldest are given up", () => {
  const few = exchangesWith({ most: 2 });
  const first = few.talk();
  first.ask("", "a");
  first.ask("", "b");
  few.talk().ask("", "c");
  expect(few.givenUp).toEqual([1]);
  expect(first.answer("", "B")).toBe(2);

  const little = exchangesWith({ mostBytes: 1000 });
  const { ask } = little.talk();
  ask("x".repeat(600));
  ask("y".repeat(600));
  ask("z".repeat(2000));
  expect(little.givenUp).toEqual([1, 2]);
});

test("a message of which the envelope alone is known has its place", () => {
  const { talk } = exchangesWith();
  const { connection, answer, ask } = talk();
  const [exchange] = connection.request([Buffer.alloc(0)], 0, 9_000_000);
  ask("", "small");
  expect(exchange?.request).toEqual({ body: undefined, bytes: 9_000_000 });
  expect([answer("", "A"), answer("", "B")]).toEqual([1, 2]);
});

test("each call of a batch is a request of its own, whose replies come in any order and number", () => {
  const { talk } = exchangesWith();
  const { askAll, answerAll, connection } = talk();
  expect(askAll("B", "", ...batch([7, "ZEP1 call", "a"], [8, "ZEP1 ping"], [9, "what"], [4_000_000_000, "d"]))).toEqual(
    ["#1 ZEP1 call|a", "#2 ZEP1 ping", "#3 what", "#4 d"],
  );
  expect(askAll("", "alone")).toEqual(["#5 alone"]);
  const replies = batch([4_000_000_000, "ZEP1 ok", "D"], [7, "ZEP1 ok", "A"]);
  expect(answerAll("B", "", ...replies)).toEqual(["#4 ZEP1 ok|D", "#1 ZEP1 ok|A"]);
  expect(answerAll("", "ALONE")).toEqual(["#5 ALONE"]);
  expect(answerAll("B", "", ...batch([9, "ZEP1 invalid_argument", "C"]))).toEqual(["#3 ZEP1 invalid_argument|C"]);
  expect(connection.isSettled()).toBe(false);
  expect(answerAll("B", "", ...batch([8, "ZEP1 ok", "B"]))).toEqual(["#2 ZEP1 ok|B"]);
  expect(connection.isSettled()).toBe(true);
});

test("each call of a batch has its own latency, and its own frames alone", () => {
  const { connection } = exchangesWith().talk();
  const messages = (frames: Frames) => frames.map((frame) => Buffer.from(frame));
  connection.request(messages(["B", "", ...batch([1, "a"], [2, "bc", "d"])]), 10, undefined);
  connection.reply(messages(["B", "", ...batch([2, "ZEP1 ok"])]), 12, undefined);
  const [reply] = connection.reply(messages(["B", "", ...batch([1, "ZEP1 ok"])]), 15, undefined);
  expect(reply?.exchange).toEqual({
    number: 1,
    at: 10,
    request: { body: [Buffer.from("a")], bytes: 1 },
    reply: { body: [Buffer.from("ZEP1 ok")], bytes: 7 },
    latencyMs: 5,
  });
});

test("a large reply to a call of a batch comes by itself, with the call's number in its envelope", () => {
  const { askAll, answerAll, connection } = exchangesWith().talk();
  askAll("B", "", ...batch([7, "a"], [300, "b"]));
  askAll("", ...batch([7, "c"]));
  expect(answerAll("B", numberFrame(300), "", "ZEP1 ok", "large")).toEqual(["#2 ZEP1 ok|large"]);
  expect(answerAll(numberFrame(7), "", "ZEP1 ok", "other")).toEqual(["#3 ZEP1 ok|other"]);
  expect(answerAll("B", "", ...batch([7, "ZEP1 ok"]))).toEqual(["#1 ZEP1 ok"]);
  expect(connection.isSettled()).toBe(true);
});

test("a batch that is answered as a whole is one exchange, with its calls, of which none waits any more", () => {
  const { connection, askAll, answerAll } = exchangesWith().talk();
  const frames = batch([1, "a"], [2, "b"]).map((frame) => Buffer.from(frame));
  const calls = connection.request([Buffer.from("B"), Buffer.alloc(0), ...frames], 1, undefined);
  const refusal = [Buffer.from("ZEP1 unimplemented"), Buffer.from("no such verb"), Buffer.from("{}")];
  const replies = connection.reply([Buffer.from("B"), Buffer.alloc(0), ...refusal], 3, undefined);
  expect(replies).toEqual([
    {
      content: { body: refusal, bytes: 32 },
      exchange: {
        number: 1,
        at: 1,
        request: { body: frames, bytes: 10 + (frames[1]?.length ?? 0) },
        reply: { body: refusal, bytes: 32 },
        latencyMs: 2,
        calls,
      },
    },
  ]);
  expect(calls.map(({ reply }) => reply)).toEqual([undefined, undefined]);
  expect(connection.isSettled()).toBe(true);
  // As a client then sends them, under numbers that it has used.
  askAll("B", "", "a");
  expect(answerAll("B", "", "ZEP1 ok")).toEqual(["#3 ZEP1 ok"]);
});

test("a batch is answered as a whole or not at all: once a call of it has ended, its envelope alone is nobody's", () => {
  const { askAll, answerAll } = exchangesWith().talk();
  askAll("B", "", ...batch([1, "a"], [2, "b"]));
  answerAll("B", "", ...batch([2, "ZEP1 ok"]));
  expect(answerAll("B", "", "ZEP1 unavailable")).toEqual(["#undefined ZEP1 unavailable"]);
  expect(answerAll("B", "", ...batch([1, "ZEP1 ok"]))).toEqual(["#1 ZEP1 ok"]);
});

test("under one envelope for all, a reply that is no batch is to the oldest, be it a batch or not", () => {
  const { askAll, answerAll } = exchangesWith().talk();
  askAll("", "first");
  askAll("", ...batch([1, "a"], [2, "b"]));
  askAll("", "last");
  expect(answerAll("", "1")).toEqual(["#1 1"]);
  expect(answerAll("", "2")).toEqual(["#2 2"]);
  expect(answerAll("", "3")).toEqual(["#4 3"]);
});

test("an echo of what reads as a batch is one reply to all of it, whatever is in it", () => {
  const { askAll, answerAll } = exchangesWith().talk();
  for (const texts of [["ZEP1 call", "x"], ["ZEP1 ok"], ["ZEP1 not_found"], ["anything"]]) {
    const frames = batch([1, ...texts]);
    askAll("", ...frames);
    expect(answerAll("", ...frames)).toEqual([expect.stringMatching(/^#\d ZEP1 batch\|/)]);
  }
});

test("what looks like replies to a batch, and answers none, is a reply as any other", () => {
  const { askAll, answerAll } = exchangesWith().talk();
  askAll("B", "", "a plain question");
  expect(answerAll("B", "", ...batch([1, "ZEP1 ok"]))).toEqual([expect.stringMatching(/^#1 ZEP1 batch\|/)]);
});

test("a batch that can't be read, has too many calls, or no envelope, is a request as any other", () => {
  const { askAll, answerAll } = exchangesWith().talk();
  const [verb = "", packed = ""] = batch([1, "a"]);
  const many = Array.from({ length: 257 }, (_, id) => [id, "a"] as const);
  for (const frames of [
    ["", verb],
    ["", verb, ""],
    ["", verb, Buffer.from(packed).subarray(0, -1)],
    ["", verb, packed, ""],
    ["", ...batch(...many)],
    [verb, packed],
  ])
    expect(askAll(...frames)).toEqual([expect.stringMatching(/ ZEP1 batch/)]);
  expect(answerAll("", "ZEP1 invalid_argument")).toEqual(["#1 ZEP1 invalid_argument"]);
});

test("calls of a batch with the same number are answered in their order, and so are those of two with one envelope", () => {
  const { askAll, answerAll, connection } = exchangesWith().talk();
  askAll("B", "", ...batch([1, "a"], [1, "b"]));
  askAll("B", "", ...batch([1, "c"]));
  expect(answerAll("B", "", ...batch([1, "ZEP1 ok", "A"]))).toEqual(["#1 ZEP1 ok|A"]);
  // Of the first one a call has ended, so this is to the second.
  expect(answerAll("B", "", "ZEP1 internal")).toEqual(["#3 ZEP1 internal"]);
  const twice = batch([1, "ZEP1 ok", "B"], [1, "ZEP1 ok", "?"], [5, "ZEP1 ok", "?"]);
  expect(answerAll("B", "", ...twice)).toEqual(["#2 ZEP1 ok|B", "#undefined ZEP1 ok|?", "#undefined ZEP1 ok|?"]);
  expect(connection.isSettled()).toBe(true);
});

test("calls of a batch are given up one by one, and what is left of it is counted until the last has gone", () => {
  const few = exchangesWith({ most: 3 });
  const first = few.talk();
  first.askAll("B", "", ...batch([1, "a"], [2, "b"]));
  first.askAll("C", "", ...batch([1, "c"], [2, "d"]));
  expect(few.givenUp).toEqual([1]);
  expect(first.answerAll("B", "", ...batch([1, "ZEP1 ok"], [2, "ZEP1 ok"]))).toEqual([
    "#undefined ZEP1 ok",
    "#2 ZEP1 ok",
  ]);
  first.connection.end();
  expect(few.givenUp).toEqual([1, 3, 4]);

  const little = exchangesWith({ mostBytes: 10_000 });
  const { askAll, answerAll } = little.talk();
  askAll("B", "", ...batch([1, "a"], [2, "x".repeat(6000)]));
  answerAll("B", "", ...batch([2, "ZEP1 ok"]));
  askAll("C", "", ...batch([1, "a"], [2, "x".repeat(6000)]));
  expect(little.givenUp).toEqual([1]);
  answerAll("C", "", ...batch([2, "ZEP1 ok"], [1, "ZEP1 ok"]));
  askAll("D", "", "x".repeat(9000));
  expect(little.givenUp).toEqual([1]);
});
