/** Replies with what it got. Through the raw codec that is every frame, byte for byte. */
export default {
  description: "Replies with what it got",
  handle: (input: unknown) => input,
};
