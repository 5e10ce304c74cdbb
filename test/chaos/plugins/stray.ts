/** Does what it is told, and some of it when nobody is looking: a call may pay for the one before it. */
import { defineHandler } from "zmqecho";
import { perform } from "./lib/acts.ts";

const EDITION = 1;

export default defineHandler({
  description: "Does things later",
  setup: () => ({ calls: 0 }),
  handle: (input, context) => perform(input, context, { v: EDITION }),
  teardown: () => {},
});
