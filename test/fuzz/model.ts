/** What a decoder may give: docs/codecs.md, "One value model". */

/** Throws for what is outside of the model. */
export function expectInModel(value: unknown, depth = 0): void {
  if (depth > 128) throw new Error("deeper than 128");
  switch (typeof value) {
    case "string":
    case "boolean":
    case "number":
      return;
    case "bigint":
      if (value <= MAX_SAFE && value >= -MAX_SAFE) throw new Error(`${value}n, which a number holds`);
      return;
    case "object":
      break;
    default:
      throw new Error(`a ${typeof value}`);
  }
  if (value === null) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Uint8Array.prototype) return;
  if (prototype === Date.prototype) {
    if (Number.isNaN((value as Date).getTime())) throw new Error("an invalid date");
  } else if (prototype === Array.prototype) {
    const list = value as unknown[];
    for (let index = 0; index < list.length; index++) {
      if (!Object.hasOwn(list, index)) throw new Error("an array with a hole");
      expectInModel(list[index], depth + 1);
    }
  } else if (prototype === Object.prototype || prototype === null) {
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key !== "string" || key === "__proto__") throw new Error(`the key ${String(key)}`);
      expectInModel((value as Record<string, unknown>)[key], depth + 1);
    }
  } else throw new Error(`an instance of ${(value as object).constructor?.name}`);
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Two values have the same form if they are the same, to the bit of a float. Only the order of keys counts for nothing: a
 * schema has its own. With `written` -0 is 0.
 */
export function formOf(value: unknown, zero: "kept" | "written" = "kept"): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return zero === "kept" && Object.is(value, -0) ? "-0" : String(value);
  if (value instanceof Uint8Array) return `h'${Buffer.from(value).toString("hex")}'`;
  if (value instanceof Date) return `@${value.getTime()}`;
  if (Array.isArray(value)) return `[${value.map((item) => formOf(item, zero)).join()}]`;
  const members = Object.entries(value as object).map(([key, item]) => `${JSON.stringify(key)}:${formOf(item, zero)}`);
  return `{${members.sort().join()}}`;
}

/**
 * A message of ours is one line, and as long as somebody reads. DEL and C1 may be in what it quotes: they end no line, and
 * whoever prints it shows them.
 */
export function expectOneLine(message: string, most: number): void {
  const isOne = message.length > 0 && message.length <= most && !/(?![\u007f-\u009f])\p{Cc}/u.test(message);
  if (!isOne) throw new Error(`no line of 1 to ${most} characters: ${JSON.stringify(message)}`);
}
