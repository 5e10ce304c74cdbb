import fc from "fast-check";
import { expect, test } from "vitest";
import { InFlight } from "../../src/client/in-flight.ts";

test("it is to its calls what a Map would be, whatever their order", () => {
  const step = fc.oneof(fc.constant("add" as const), fc.nat(500));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const calls = new InFlight<{ id: number }>();
      const model = new Map<number, { id: number }>();
      const made: { id: number }[] = [];
      for (const what of steps) {
        if (what === "add") {
          const call = { id: calls.newNumber() };
          expect(model.has(call.id)).toBe(false);
          calls.add(call);
          model.set(call.id, call);
          made.push(call);
        } else {
          const call = made[what % Math.max(1, made.length)];
          if (call === undefined) continue;
          calls.delete(call);
          model.delete(call.id);
        }
      }
      expect(calls.size).toBe(model.size);
      for (const { id } of made) expect(calls.get(id)).toBe(model.get(id));
      expect(new Set(calls.all())).toEqual(new Set(model.values()));
    }),
  );
});

test("no number is given whose slot another call has", () => {
  const calls = new InFlight<{ id: number }>();
  const old = { id: calls.newNumber() };
  calls.add(old);
  // The slots are 64, so the 64th number from here would fall upon it.
  const numbers = Array.from({ length: 200 }, () => calls.newNumber());
  expect(numbers).not.toContain(old.id);
  expect(calls.get(old.id)).toBe(old);
  expect(calls.get(old.id + 64)).toBeUndefined();
});
