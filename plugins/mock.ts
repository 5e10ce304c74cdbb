/** Replies as `options.rules` or `options.recording` say; docs/mock.md has them. */
export { mock as default } from "zmqecho";
