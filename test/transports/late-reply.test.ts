import { expect, onTestFinished, test } from "vitest";
import { Dealer } from "zeromq";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

test("an answer that comes after its socket was closed harms nobody", async () => {
  let finish: (value: unknown) => void = () => undefined;
  let entered: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, concurrency: 4, handler: "it" } } },
    {
      it: () => {
        entered();
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    },
  );
  const dealer = new Dealer({ linger: 0 });
  onTestFinished(() => dealer.close());
  dealer.connect(addressOf(host, "e"));
  await dealer.send(["", "x"]);
  await running;
  await host.stop(0);
  finish("late");
  // An unhandled rejection would fail the run by now.
  await new Promise(setImmediate);
  expect(host.addresses.size).toBe(0);
});
