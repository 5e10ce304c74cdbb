/** What the compiler knows of a client's handlers. `npx tsc` is what fails. */
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createClient, defineHandler, type TypesOf, type Value } from "../../src/index.ts";

const vat = defineHandler({
  input: z.object({ net: z.number(), rate: z.number().default(0.2) }),
  output: z.object({ gross: z.number() }),
  setup: () => ({ calls: 0 }),
  handle: ({ net, rate }) => ({ gross: net * (1 + rate) }),
});
const half = (input: number) => Promise.resolve(input / 2);

interface Shop {
  vat: TypesOf<typeof vat>;
  half: TypesOf<typeof half>;
}

test("handlers that are told of are checked by name, input and output", () => {
  const { call } = createClient<Shop>({ connect: "tcp://127.0.0.1:1" });
  expectTypeOf(call<"vat">)
    .parameter(1)
    .toEqualTypeOf<{ net: number; rate?: number | undefined }>();
  expectTypeOf(call<"vat">).returns.resolves.toEqualTypeOf<{ gross: number }>();
  expectTypeOf(call<"half">)
    .parameter(1)
    .toEqualTypeOf<number>();
  expectTypeOf(call<"half">).returns.resolves.toEqualTypeOf<number>();
  expectTypeOf(call).parameter(0).toEqualTypeOf<"vat" | "half">();
});

test("without them any name goes, and a value of the model comes back", () => {
  const { call, request } = createClient({ connect: "tcp://127.0.0.1:1" });
  expectTypeOf(call<string>).returns.resolves.toEqualTypeOf<Value>();
  const ask = () => request(1);
  expectTypeOf(ask).returns.resolves.toEqualTypeOf<Value>();
  expectTypeOf(request<{ gross: number }>).returns.resolves.toEqualTypeOf<{ gross: number }>();
});
