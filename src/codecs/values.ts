/**
 * The value model's one walker. It runs after every decode and before every encode, so that a handler sees the same
 * kinds of values under any codec, and a codec is never handed something that it would write wrongly.
 */
import { types } from "node:util";
import { ZmqEchoError } from "../errors.ts";
import type { Value } from "../handler.ts";
import { shorten } from "../wording.ts";
import { LONGEST_QUOTE, pathOf } from "./value-path.ts";

/** What a codec has its values turned into, or refused for, in one direction. All off by default. */
export interface Conversions {
  /** Bytes become base64 text (RFC 4648, section 4, padded). */
  readonly bytesAsBase64?: boolean;
  /** A bigint becomes its decimal digits. */
  readonly bigintsAsText?: boolean;
  /** A Date becomes ISO 8601 text in UTC, with milliseconds. */
  readonly datesAsText?: boolean;
  /** NaN and the infinities are errors. */
  readonly finite?: boolean;
  /** Strings with half a surrogate pair, which UTF-8 can't hold, are errors. */
  readonly wellFormed?: boolean;
  /** Safe integers outside -2^31 ... 2^32-1 become bigints, for encoders that would write them as floats. */
  readonly wideIntegersAsBigint?: boolean;
  /** Bigints below or above are errors. */
  readonly bigintRange?: { readonly min: bigint; readonly max: bigint };
}

/** Everything {@link normalize} needs to know, made once for a codec and a direction. */
export interface WalkRules extends Conversions {
  /** The codec's name, for errors. */
  readonly codec: string;
  readonly direction: "encode" | "decode";
  /** How many arrays and objects may stand in each other. */
  readonly maxDepth: number;
  /** How many values there may be in all, so that shared references can't grow into a bomb. */
  readonly maxNodes: number;
}

type Container = unknown[] | Record<string, unknown>;

/** One array or object on its way through: `copy` is there once something in it had to change. */
interface Visit {
  readonly source: Container;
  /** What the caller gave: for a Map or Set not `source`. It shows cycles. */
  readonly origin: object;
  readonly parent: Visit | undefined;
  readonly key: string | number;
  readonly depth: number;
  /** What was next before this one: the others that are under way or still to come. */
  readonly below: Visit | undefined;
  /** Of an array: where to go on, once what stands before is done. */
  next: number;
  copy: Container | undefined;
}

interface Walk {
  readonly rules: WalkRules;
  /** The container that is next. */
  top: Visit | undefined;
  /** Values seen so far. */
  nodes: number;
}

const CYCLE = "a cycle: the value contains itself";
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Brings `root` into the value model, or throws a ZmqEchoError that names codec, direction and path: `invalid_argument`
 * for a value that doesn't fit, `resource_exhausted` for too many. Nothing is changed in place: what needs no change is
 * returned as it is, the rest is copied from there up to the root. Not recursive.
 *
 * `items` is how many values a document was seen to hold. When fewer arrive, a later key has replaced an equal one.
 */
export function normalize(root: unknown, rules: WalkRules, items?: number): Value {
  const walk: Walk = { rules, top: undefined, nodes: 1 };
  const top = isSimple(root, rules) ? root : replacementOf(root, rules, undefined, "");
  const first = isContainer(top) ? enter(walk, top, root, undefined, "") : undefined;
  for (let visit = first; visit !== undefined; visit = walk.top) {
    if (Array.isArray(visit.source)) walkArray(walk, visit, visit.source);
    else walkObject(walk, visit, visit.source);
  }
  if (items !== undefined && walk.nodes !== items) fail(rules, undefined, "", "a map has the same key twice");
  return (first === undefined ? top : (first.copy ?? first.source)) as Value;
}

/** Puts a container in line. Its length is counted now: a sparse array costs nothing to make, however long it says it is. */
function enter(walk: Walk, source: Container, origin: unknown, parent: Visit | undefined, key: string | number): Visit {
  const { rules } = walk;
  const depth = parent === undefined ? 1 : parent.depth + 1;
  const copy = source === origin ? undefined : source;
  const visit: Visit = { source, origin: origin as object, parent, key, depth, below: walk.top, next: 0, copy };
  if (depth > rules.maxDepth)
    fail(rules, visit, undefined, isCyclic(visit) ? CYCLE : `nested deeper than ${rules.maxDepth}`);
  if (Array.isArray(source)) count(walk, visit, source.length);
  walk.top = visit;
  return visit;
}

function count(walk: Walk, visit: Visit, values: number): void {
  walk.nodes += values;
  if (walk.nodes > walk.rules.maxNodes) failTooMany(walk.rules, visit);
}

/** Goes through an array as far as the next container in it, and is called again after that one. */
function walkArray(walk: Walk, visit: Visit, source: unknown[]): void {
  for (let index = visit.next; index < source.length; index++) {
    const child = source[index];
    if (!isSimple(child, walk.rules) && walkChild(walk, visit, index, child)) {
      visit.next = index + 1;
      return;
    }
  }
  walk.top = visit.below;
}

/** Goes through a whole object. Unlike arrays, which can be dense, objects may as well put all their containers in line. */
function walkObject(walk: Walk, visit: Visit, source: Record<string, unknown>): void {
  const { rules } = walk;
  walk.top = visit.below;
  let values = 0;
  // Not Object.keys: for-in makes no array, and a prototype other than Object's or none has been refused.
  for (const key in source) {
    values++;
    if (key === "__proto__") fail(rules, visit, undefined, 'the key "__proto__" is not allowed');
    if (rules.wellFormed === true && !isWellFormed(key)) fail(rules, visit, key, "a key with half a surrogate pair");
    const child = source[key];
    if (!isSimple(child, rules)) walkChild(walk, visit, key, child);
  }
  count(walk, visit, values);
}

/** Whether a value stays as it is and holds no others: what most values are, decided without a call further. */
function isSimple(value: unknown, rules: WalkRules): boolean {
  if (typeof value === "string") return rules.wellFormed !== true || isWellFormed(value);
  if (typeof value === "number") {
    if (rules.finite === true && !Number.isFinite(value)) return false;
    return rules.wideIntegersAsBigint !== true || !isWideInteger(value);
  }
  return value === null || typeof value === "boolean";
}

/** Brings one value into the model, and says whether it is a container that was put in line. */
function walkChild(walk: Walk, visit: Visit, key: string | number, child: unknown): boolean {
  if (child === undefined) {
    const copy = copyOf(visit);
    if (Array.isArray(copy)) copy[key as number] = null;
    else delete copy[key];
    return false;
  }
  const value = replacementOf(child, walk.rules, visit, key);
  if (value !== child) (copyOf(visit) as Record<string | number, unknown>)[key] = value;
  if (!isContainer(value)) return false;
  enter(walk, value, child, visit, key);
  return true;
}

/** The copy that changes are written to, made with its parents' when first asked for. */
function copyOf(visit: Visit): Container {
  if (visit.copy !== undefined) return visit.copy;
  const { source, parent, key } = visit;
  visit.copy = Array.isArray(source) ? [...source] : { ...source };
  if (parent !== undefined) (copyOf(parent) as Record<string | number, unknown>)[key] = visit.copy;
  return visit.copy;
}

function isContainer(value: unknown): value is Container {
  // After replacementOf bytes and dates are of this realm, so that instanceof, which is cheap, is exact.
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) && !(value instanceof Date);
}

/** The model's form of a value that is not simple; the value itself where it has that form already. */
function replacementOf(value: unknown, rules: WalkRules, visit: Visit | undefined, key: string | number): unknown {
  switch (typeof value) {
    case "object":
      return value === null ? null : objectReplacement(value, rules, visit, key);
    case "undefined":
      return null;
    case "bigint":
      return bigintReplacement(value, rules, visit, key);
    case "number":
      if (rules.wideIntegersAsBigint === true && isWideInteger(value)) return BigInt(value);
      return fail(rules, visit, key, `${value} is not a finite number; use null or text`);
    case "string":
      return fail(rules, visit, key, "a string with half a surrogate pair");
    default:
      return fail(rules, visit, key, `a ${typeof value}`);
  }
}

function objectReplacement(value: object, rules: WalkRules, visit: Visit | undefined, key: string | number): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return value;
  if (Array.isArray(value)) {
    if (prototype === Array.prototype) return value;
    return value.length > rules.maxNodes ? failTooMany(rules, visit) : Array.from(value);
  }
  if (prototype === null) return value;
  if (types.isUint8Array(value)) {
    const { buffer, byteOffset, length } = value;
    if (rules.bytesAsBase64 === true) return Buffer.from(buffer, byteOffset, length).toString("base64");
    return value instanceof Uint8Array ? value : new Uint8Array(buffer, byteOffset, length);
  }
  if (types.isDate(value)) return dateReplacement(value, rules, visit, key);
  if (types.isMap(value)) return objectFromMap(value, rules, visit, key);
  if (types.isSet(value)) return [...value];
  // An object literal of another realm (node:vm): its prototype is that realm's Object.prototype.
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf")) {
    return { ...value };
  }
  return fail(rules, visit, key, `${classOf(value)} is no plain object`);
}

function bigintReplacement(value: bigint, rules: WalkRules, visit: Visit | undefined, key: string | number): unknown {
  if (value <= MAX_SAFE && value >= -MAX_SAFE) {
    const number = Number(value);
    return rules.wideIntegersAsBigint === true && isWideInteger(number) ? value : number;
  }
  if (rules.bigintsAsText === true) return value.toString();
  const range = rules.bigintRange;
  if (range !== undefined && (value < range.min || value > range.max)) {
    fail(rules, visit, key, "an integer that is too large; use text or bytes");
  }
  return value;
}

function dateReplacement(value: Date, rules: WalkRules, visit: Visit | undefined, key: string | number): unknown {
  if (Number.isNaN(value.getTime())) fail(rules, visit, key, "an invalid date");
  if (rules.datesAsText === true) return value.toISOString();
  return value instanceof Date ? value : new Date(Number(value));
}

function objectFromMap(map: Map<unknown, unknown>, rules: WalkRules, visit: Visit | undefined, at: string | number) {
  const result: Record<string, unknown> = {};
  for (const [key, value] of map) {
    if (typeof key !== "string" && typeof key !== "bigint" && !Number.isSafeInteger(key)) {
      fail(rules, visit, at, "a Map with a key that is neither text nor an integer");
    }
    const name = String(key);
    if (name === "__proto__") fail(rules, visit, at, 'the key "__proto__" is not allowed');
    if (Object.hasOwn(result, name))
      fail(rules, visit, at, `a Map with two keys that are both "${shorten(name, LONGEST_QUOTE)}"`);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** Whether UTF-8 can hold the text: no half of a surrogate pair in it. */
export function isWellFormed(text: string): boolean {
  // Every supported Node has the method, TypeScript's library of ES2023 hasn't.
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function isWideInteger(value: number): boolean {
  return (value > 0xffff_ffff || value < -0x8000_0000) && Number.isSafeInteger(value);
}

function classOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== ""
    ? `an instance of ${shorten(name, LONGEST_QUOTE)}`
    : "an object of a class";
}

function isCyclic(visit: Visit): boolean {
  const seen = new Set<object>();
  for (let at: Visit | undefined = visit; at !== undefined; at = at.parent) {
    if (seen.has(at.origin)) return true;
    seen.add(at.origin);
  }
  return false;
}

function failTooMany(rules: WalkRules, visit: Visit | undefined): never {
  if (visit !== undefined && isCyclic(visit)) return fail(rules, visit, undefined, CYCLE);
  const text = `${rules.codec} can't ${rules.direction} more than ${rules.maxNodes} values in one message`;
  throw new ZmqEchoError("resource_exhausted", text);
}

function fail(rules: WalkRules, visit: Visit | undefined, key: string | number | undefined, what: string): never {
  const text = `${rules.codec} can't ${rules.direction} ${pathOf(visit, key)}: ${what}`;
  throw new ZmqEchoError("invalid_argument", text);
}
