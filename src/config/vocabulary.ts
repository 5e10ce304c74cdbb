/** The kinds of values that a configuration is made of, each with what it says of any other: that which was expected. */
import type { z as Zod } from "zod";
import { textOf } from "../errors.ts";
import { type AddressUse, parseAddress } from "../wire/address.ts";
import { DEFAULTS, NAME_PATTERN } from "./defaults.ts";

/** @param what how errors call it: `expected WHAT` */
export function vocabularyOf(z: typeof Zod) {
  const text = (what: string) => z.string({ error: `expected ${what}` }).min(1, { error: `expected ${what}` });
  const matching = (pattern: RegExp, what: string) =>
    z.string({ error: `expected ${what}` }).regex(pattern, { error: `expected ${what}` });
  const flag = () => z.boolean({ error: "expected true or false" });
  const whole = (min: number, max: number) => {
    const error = `expected a whole number from ${min} to ${max}`;
    return z.int({ error }).min(min, { error }).max(max, { error });
  };
  const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
    z.enum(words, { error: `expected one of ${words.map((word) => JSON.stringify(word)).join(", ")}` });
  const list = <Item extends Zod.ZodType>(item: Item, what: string) =>
    z.array(item, { error: `expected a list of ${what}` });
  const someOf = <Item extends Zod.ZodType<string>>(item: Item, one: string, many: string) =>
    z.union([item, list(item, many).min(1, { error: `expected at least one of the ${many}` })], {
      error: `expected ${one}, or a list of ${many}`,
    });
  const strict = <Shape extends Zod.core.$ZodLooseShape>(shape: Shape) =>
    z.strictObject(shape, {
      // explain.ts makes one problem of each unknown key, and wants to know which ones there are.
      error: ({ code }) => (code === "unrecognized_keys" ? Object.keys(shape).join(" ") : "expected an object"),
    });
  const name = (what: string) =>
    matching(NAME_PATTERN, `${what}: letters, digits, "_", "." and "-", the first a letter or a digit`);
  const named = <Item extends Zod.ZodType>(item: Item) =>
    z.record(name("a name"), item, { error: "expected an object of names" });
  /** A text that `parse` takes; what it throws says what is wrong. */
  const read = (parse: (value: string) => unknown, what: string) =>
    z.string({ error: `expected ${what}` }).superRefine((value, context) => {
      try {
        parse(value);
      } catch (error) {
        context.addIssue({ code: "custom", message: textOf(error) });
      }
    });
  const address = (use: AddressUse) =>
    read((value) => parseAddress(value, use), `an address, such as "${DEFAULTS.address}"`);
  const addresses = (use: AddressUse) => someOf(address(use), `an address, such as "${DEFAULTS.address}"`, "addresses");

  return { text, matching, flag, whole, oneOf, list, someOf, strict, named, name, read, addresses };
}
