import { expect, test } from "vitest";
import { createExchanges, type Exchange } from "../../src/tap/exchanges.ts";

function exchangesWith(limits: { most?: number; mostBytes?: number } = {}) {
  const givenUp: number[] = [];
  const onGivenUp = ({ number }: Exchange) => void givenUp.push(number);
  const exchanges = createExchanges({ most: 1000, mostBytes: 1_000_000, ...limits, onGivenUp });
  const talk = () => {
    const connection = exchanges.connection();
    const message = (texts: string[]) => texts.map((text) => Buffer.from(text));
    return {
      ask: (...texts: string[]) => connection.request(message(texts), 0, undefined).number,
      answer: (...texts: string[]) => connection.reply(message(texts), 1, undefined).exchange?.number,
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
  const { request } = connection.request([Buffer.alloc(0)], 0, 9_000_000);
  ask("", "small");
  expect(request).toEqual({ body: undefined, bytes: 9_000_000 });
  expect([answer("", "A"), answer("", "B")]).toEqual([1, 2]);
});
