/** Does what it is told. */
import { defineHandler } from "zmqecho";
import { perform } from "./lib/acts.ts";
import data from "./lib/data.json" with { type: "json" };

const EDITION = 1;

export default defineHandler({
  description: "Does what it is told",
  setup: () => ({ calls: 0 }),
  handle: (input, context) => perform(input, context, { v: EDITION, d: data.edition }),
  teardown: () => {},
});
