/** By what `zmqecho top` can sort its rows; the command line knows it without loading the rest. */
export const SORTS = ["requests", "errors", "latency", "in-flight", "name"] as const;
export type Sort = (typeof SORTS)[number];
