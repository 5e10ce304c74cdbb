/**
 * Reads protobuf's wire format, strictly: a known field in the wrong wire type, bad UTF-8, and any length that leads
 * out of its message are errors; unknown fields are passed over. https://protobuf.dev/programming-guides/encoding/
 */
import type { Reader } from "protobufjs";
import type { Value } from "../../handler.ts";
import { Fault, memberStep, within } from "./fault.ts";
import { type FieldPlan, MAX_NESTING, type Members, type MessagePlan } from "./plan.ts";
import type { Kind } from "./scalars.ts";

/** A whole message, up to the end of the reader. Throws what the reader throws, and {@link Fault}s. */
export function readMessage(plan: MessagePlan, reader: Reader, depth: number, existing?: Value): Value {
  if (depth > MAX_NESTING) throw new Fault(`messages nest more than ${MAX_NESTING} deep`);
  const { wellKnown } = plan;
  const message = startOf(plan, existing);
  let field: FieldPlan | undefined;
  try {
    while (reader.pos < reader.len) {
      field = undefined;
      const tag = reader.tag();
      field = plan.byNumber.get(tag >>> 3);
      if (field === undefined) reader.skipType(tag & 7, 0, tag >>> 3);
      else if (field.shape === "single") readSingle(field, tag & 7, reader, message, depth);
      else if (field.shape === "map") readEntry(field, tag & 7, reader, message, depth);
      else readRepeated(field, tag & 7, reader, message, depth);
    }
  } catch (error) {
    throw within(faultOf(error), field === undefined || wellKnown?.fromMessage ? "" : memberStep(field.name));
  }
  for (const { name } of plan.required) {
    if (!Object.hasOwn(message, name)) throw new Fault(`the required field "${name}" of ${plan.name} is missing`);
  }
  return wellKnown?.fromMessage ? wellKnown.fromMessage(message) : (message as Value);
}

/** A message with its length in front. */
export function readNested(plan: MessagePlan, reader: Reader, depth: number, existing?: Value): Value {
  const outer = enter(reader);
  const value = readMessage(plan, reader, depth, existing);
  reader.len = outer;
  return value;
}

/** A single message that comes in pieces is merged; what a well-known type stands for is taken apart again first. */
function startOf({ wellKnown }: MessagePlan, existing: Value | undefined): Members {
  if (existing === undefined) return {};
  return wellKnown?.toMessage ? wellKnown.toMessage(existing) : (existing as Members);
}

function readSingle(field: FieldPlan, wireType: number, reader: Reader, message: Members, depth: number): void {
  const { kind, name } = field;
  if (wireType !== kind.wireType) throw wrongWireType(field, wireType);
  const merges = "plan" in kind && Object.hasOwn(message, name);
  const value = kind.read(reader, depth + 1, merges ? (message[name] as Value) : undefined);
  if (value === undefined) return;
  for (const rival of field.rivals) delete message[rival];
  // Without presence, a default on the wire is the same as nothing on the wire.
  if (!field.presence && kind.isDefault(value)) delete message[name];
  else message[name] = value;
}

function readRepeated(field: FieldPlan, wireType: number, reader: Reader, message: Members, depth: number): void {
  const { kind, name } = field;
  const list = (Object.hasOwn(message, name) ? message[name] : []) as Value[];
  try {
    if (wireType === kind.wireType) {
      const value = kind.read(reader, depth + 1);
      if (value !== undefined) list.push(value);
    } else if (wireType === 2) {
      const outer = enter(reader);
      while (reader.pos < reader.len) {
        const value = kind.read(reader, depth + 1);
        if (value !== undefined) list.push(value);
      }
      reader.len = outer;
    } else throw wrongWireType(field, wireType);
  } catch (error) {
    throw within(faultOf(error), `[${list.length}]`);
  }
  if (list.length > 0) message[name] = list;
}

function readEntry(field: FieldPlan, wireType: number, reader: Reader, message: Members, depth: number): void {
  const { kind, key: keyKind, name } = field;
  if (keyKind === undefined || wireType !== 2) throw wrongWireType(field, wireType);
  let key: Value | undefined;
  let value: Value | undefined;
  let known = true;
  const outer = enter(reader);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const part: Kind | undefined = tag >>> 3 === 1 ? keyKind : tag >>> 3 === 2 ? kind : undefined;
    if (part === undefined) reader.skipType(tag & 7, 0, tag >>> 3);
    else if ((tag & 7) !== part.wireType) throw wrongWireType({ ...field, kind: part }, tag & 7);
    else if (part === keyKind && tag >>> 3 === 1) key = part.read(reader, depth + 1);
    else {
      value = kind.read(reader, depth + 1, value);
      known = value !== undefined;
    }
  }
  reader.len = outer;
  if (!known) return;
  const text = String(key ?? keyKind.zero());
  if (text === "__proto__") throw new Fault(`the map key "__proto__" is not allowed`);
  const map = (Object.hasOwn(message, name) ? message[name] : {}) as Members;
  map[text] = value ?? kind.zero();
  message[name] = map;
}

/** Narrows the reader to the length that follows, and returns its end until now. */
function enter(reader: Reader): number {
  const outer = reader.len;
  const end = reader.size() + reader.pos;
  if (end > outer) throw new Fault("a length leads beyond the end of its message");
  reader.len = end;
  return outer;
}

function wrongWireType({ kind, number }: FieldPlan, wireType: number): Fault {
  return new Fault(`field ${number} came with wire type ${wireType}, but ${kind.name} has ${kind.wireType}`);
}

/** In plain words what protobufjs's reader throws. */
function faultOf(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  if (error instanceof TypeError) return new Fault("a string is not valid UTF-8");
  if (error instanceof RangeError) return new Fault("the bytes end inside a value");
  return new Fault(error.message);
}
