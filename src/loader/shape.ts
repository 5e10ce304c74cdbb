/**
 * What a plugin exports, checked field by field before it is used.
 */
import { BOUNDS } from "../config/defaults.ts";
import { type CodecDefinition, type HandlerDefinition, ISOLATIONS, isCodecDefinition } from "../handler.ts";
import { listed, suggestion } from "../wording.ts";
import { type JsonSchemas, jsonSchemasOf } from "./json-schema.ts";

/** What a plugin is for the host. One of them at least. */
export interface PluginShape {
  readonly handler?: HandlerDefinition;
  readonly codec?: CodecDefinition;
}

/** What can be said of a handler without running it; plain data, so that a worker can say it. */
export type HandlerOutline = Pick<HandlerDefinition, "description" | "timeoutMs" | "isolation" | "concurrency"> & {
  /** Absent where the definition itself is at hand, which can be asked when somebody wants to know. */
  readonly schemas?: JsonSchemas;
};

/** The same of a plugin. */
export interface PluginOutline {
  readonly handler?: HandlerOutline;
  /** Whether it has a codec. */
  readonly codec: boolean;
}

export function outlineOf({ handler, codec }: PluginShape): PluginOutline {
  return { ...(handler !== undefined && { handler: outlineOfHandler(handler) }), codec: codec !== undefined };
}

/** The same, for where the definition will not be at hand. */
export function fullOutlineOf(shape: PluginShape): PluginOutline {
  const outline = outlineOf(shape);
  if (shape.handler === undefined) return outline;
  const schemas = jsonSchemasOf(shape.handler);
  return Object.keys(schemas).length === 0 ? outline : { ...outline, handler: { ...outline.handler, schemas } };
}

export function outlineOfHandler({
  description,
  timeoutMs,
  isolation,
  concurrency,
}: HandlerDefinition): HandlerOutline {
  return {
    ...(description !== undefined && { description }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(isolation !== undefined && { isolation }),
    ...(concurrency !== undefined && { concurrency }),
  };
}

/** How errors call what should be a handler, and what they ask for instead. */
interface Wording {
  readonly noun: string;
  readonly ask: string;
}

const HANDLER = "a function (input, context) => output, or an object with handle(input, context)";
const EXPORTED: Wording = {
  noun: "default export",
  ask: `export default ${HANDLER}, or export a codec made by defineCodec()`,
};
const GIVEN: Wording = { noun: "handler", ask: `give ${HANDLER}` };

/** What each field of a handler must be, or undefined if it is. */
const FIELDS: Readonly<Record<keyof HandlerDefinition, (value: unknown) => string | undefined>> = {
  description: (value) => (typeof value === "string" ? undefined : "a string"),
  input: (value) => (isStandardSchema(value) ? undefined : "a Standard Schema, such as zod, Valibot and ArkType make"),
  output: (value) => (isStandardSchema(value) ? undefined : "a Standard Schema, such as zod, Valibot and ArkType make"),
  timeoutMs: (value) =>
    isCount(value) && value <= BOUNDS.timeoutMs
      ? undefined
      : `a whole number of milliseconds from 1 to ${BOUNDS.timeoutMs}`,
  isolation: (value) =>
    ISOLATIONS.some((isolation) => isolation === value) ? undefined : listed(ISOLATIONS.map(quoted), "or"),
  concurrency: (value) =>
    isCount(value) && value <= BOUNDS.concurrency ? undefined : `a whole number from 1 to ${BOUNDS.concurrency}`,
  setup: (value) => (typeof value === "function" ? undefined : "a function"),
  teardown: (value) => (typeof value === "function" ? undefined : "a function"),
  handle: (value) => (typeof value === "function" ? undefined : "a function (input, context) => output"),
};

/**
 * Takes handler and codec from a plugin's module namespace.
 * Throws an Error that says what is wrong with it, and what to export instead.
 */
export function readShape(namespace: object): PluginShape {
  return read(namespace, EXPORTED);
}

/** Checks a handler that code gives, as one that a plugin exports. Throws an Error that says what is wrong with it. */
export function readHandler(value: unknown): HandlerDefinition {
  const { handler } = read({ default: value }, GIVEN);
  if (handler === undefined) throw new Error("a codec is no handler; give it as a codec");
  return handler;
}

function read(namespace: object, wording: Wording): PluginShape {
  const exported = unwrap(namespace);
  const codecs = new Set(Object.values(exported).filter(isCodecDefinition));
  const [codec] = codecs;
  if (codecs.size > 1) throw new Error(`exports ${codecs.size} codecs; a plugin has one, under the plugin's name`);
  if (codec !== undefined) checkCodec(codec);

  const main: unknown = "default" in exported ? exported.default : undefined;
  if (codec !== undefined && (main === undefined || main === codec)) return { codec };
  const handler = handlerFrom(main, exported, wording);
  return codec === undefined ? { handler } : { handler, codec };
}

/** CommonJS seen from an ES module is its default export, and may have one of its own, or export codecs by name. */
function unwrap(namespace: object): object {
  const main: unknown = "default" in namespace ? namespace.default : undefined;
  if (typeof main !== "object" || main === null || isCodecDefinition(main) || "handle" in main) return namespace;
  return "default" in main || Object.values(main).some(isCodecDefinition) ? main : namespace;
}

/** Gives back a codec. Throws an Error for what can't encode and decode. */
export function checkCodec(codec: CodecDefinition): CodecDefinition {
  for (const direction of ["encode", "decode"] as const) {
    if (typeof codec?.[direction] !== "function") throw new Error(`the codec's ${direction} must be a function`);
  }
  return codec;
}

function handlerFrom(main: unknown, exported: object, { noun, ask }: Wording): HandlerDefinition {
  if (typeof main === "function") {
    if (/^class\b/.test(Function.prototype.toString.call(main))) throw new Error(`the ${noun} is a class; ${ask}`);
    return { handle: main as HandlerDefinition["handle"] };
  }
  if (main === undefined) {
    const names = Object.keys(exported).filter((name) => name !== "default");
    const others = names.length > 0 ? `, only ${names.join(", ")}` : "";
    throw new Error(`there is no ${noun}${others}; ${ask}`);
  }
  if (typeof main !== "object" || main === null || Array.isArray(main)) {
    const found = main === null ? "null" : Array.isArray(main) ? "an array" : `a ${typeof main}`;
    throw new Error(`the ${noun} is ${found}; ${ask}`);
  }
  if (main instanceof Promise) throw new Error(`the ${noun} is a Promise; write await before what makes it`);
  if ("encode" in main && "decode" in main && !("handle" in main)) {
    throw new Error(`the ${noun} looks like a codec; wrap it in defineCodec()`);
  }
  if (!("handle" in main)) throw new Error(`the ${noun} has no handle; ${ask}`);
  const flaws = flawsOf(main);
  if (flaws.length > 0) throw new Error(flaws.join("; "));
  return main as HandlerDefinition;
}

function flawsOf(main: object): string[] {
  const names = Object.keys(FIELDS) as (keyof HandlerDefinition)[];
  const unknown = Object.keys(main)
    .filter((name) => !Object.hasOwn(FIELDS, name))
    .map((name) => `unknown field ${JSON.stringify(name)}${suggestion(name, names)}`);
  const wrong = names.flatMap((name) => {
    const value: unknown = Reflect.get(main, name);
    const wanted = value === undefined && name !== "handle" ? undefined : FIELDS[name](value);
    return wanted === undefined ? [] : [`${name} must be ${wanted}`];
  });
  return [...unknown, ...wrong];
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** https://standardschema.dev. Some libraries' schemas are functions. */
function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = Reflect.get(value, "~standard");
  return typeof standard === "object" && standard !== null && typeof Reflect.get(standard, "validate") === "function";
}
