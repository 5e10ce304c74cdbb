/** Comes and goes. */
import { defineHandler } from "zmqecho";
import { perform } from "./lib/acts.ts";

const EDITION = 1;

export default defineHandler({
  description: "Comes and goes",
  setup: () => ({ calls: 0 }),
  handle: (input, context) => perform(input, context, { v: EDITION }),
  teardown: () => {},
});
