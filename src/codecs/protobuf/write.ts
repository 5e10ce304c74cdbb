/**
 * Checks values against their types and writes them in one pass. Whatever does not fit is a {@link Fault} with its path:
 * nothing is dropped, rounded or converted on the way.
 */
import type { Writer } from "protobufjs";
import { suggestion } from "../../wording.ts";
import { describe, Fault, memberStep, quote, within } from "./fault.ts";
import { type FieldPlan, MAX_NESTING, type Members, type MessagePlan } from "./plan.ts";
import type { Kind } from "./scalars.ts";

/** The fields of a message, without a length in front. */
export function writeMessage(plan: MessagePlan, writer: Writer, value: unknown, depth: number): void {
  if (depth > MAX_NESTING) throw new Fault(`messages nest more than ${MAX_NESTING} deep`);
  const { wellKnown } = plan;
  const message = wellKnown?.toMessage ? wellKnown.toMessage(value) : membersOf(plan, value);
  let current: FieldPlan | undefined;
  try {
    for (const field of plan.fields) {
      const member = message[field.name];
      if (member === undefined || isAbsent(field, member) || !Object.hasOwn(message, field.name)) continue;
      current = field;
      if (field.shape === "repeated") writeRepeated(field, writer, member, depth + 1);
      else if (field.shape === "map") writeMap(field, writer, member, depth + 1);
      else if (field.presence || !field.kind.isDefault(member)) {
        writer.uint32(field.tag);
        field.kind.write(writer, member, depth + 1);
      }
    }
  } catch (error) {
    throw within(error, current === undefined || wellKnown?.toMessage ? "" : memberStep(current.name));
  }
}

/** A member that is left out: undefined, or null where null is no value. */
function isAbsent(field: FieldPlan, member: unknown): boolean {
  return member === undefined || (member === null && !(field.shape === "single" && field.kind.takesNull));
}

/** The members by their names in JSON, after the checks that concern the message as a whole. */
function membersOf(plan: MessagePlan, value: unknown): Members {
  if (!isPlainObject(value)) throw new Fault(`expected ${plan.name} (an object), got ${describe(value)}`);
  let renamed: Members | undefined;
  for (const key of Object.keys(value)) {
    const field = plan.byName.get(key);
    if (field === undefined) {
      const names = plan.fields.map(({ name }) => name);
      throw new Fault(`${plan.name} has no field ${quote(key)}${suggestion(key, names)}`);
    }
    if (field.name === key) continue;
    renamed ??= { ...value };
    if (Object.hasOwn(renamed, field.name))
      throw new Fault(`the field "${field.name}" is given twice, as ${quote(key)} too`);
    renamed[field.name] = value[key];
    delete renamed[key];
  }
  const members = renamed ?? value;
  for (const oneof of plan.oneofs) {
    const given = oneof.fields.filter(
      (field) => Object.hasOwn(members, field.name) && !isAbsent(field, members[field.name]),
    );
    if (given.length > 1) {
      const names = given.map(({ name }) => `"${name}"`).join(" and ");
      throw new Fault(`${names} are both given, but the oneof "${oneof.name}" of ${plan.name} holds one at most`);
    }
  }
  for (const field of plan.required) {
    if (!Object.hasOwn(members, field.name) || isAbsent(field, members[field.name])) {
      throw new Fault(`the required field "${field.name}" of ${plan.name} is missing`);
    }
  }
  return members;
}

function writeRepeated({ kind, packed, tag }: FieldPlan, writer: Writer, value: unknown, depth: number): void {
  if (!Array.isArray(value)) throw new Fault(`expected an array of ${kind.name}, got ${describe(value)}`);
  if (value.length === 0) return;
  let index = 0;
  try {
    if (packed) writer.uint32(tag).fork();
    for (; index < value.length; index++) {
      if (!packed) writer.uint32(tag);
      kind.write(writer, value[index], depth);
    }
    if (packed) writer.ldelim();
  } catch (error) {
    throw within(error, `[${index}]`);
  }
}

function writeMap({ kind, key: keyKind, tag }: FieldPlan, writer: Writer, value: unknown, depth: number): void {
  if (keyKind === undefined || !isPlainObject(value))
    throw new Fault(`expected a map (an object), got ${describe(value)}`);
  for (const key of Object.keys(value)) {
    try {
      if (key === "__proto__") throw new Fault(`the map key "__proto__" is not allowed`);
      writer.uint32(tag).fork();
      writer.uint32((1 << 3) | keyKind.wireType);
      keyKind.write(writer, keyFromText(keyKind, key), depth);
      writer.uint32((2 << 3) | kind.wireType);
      kind.write(writer, value[key], depth);
      writer.ldelim();
    } catch (error) {
      throw within(error, memberStep(key));
    }
  }
}

/** A map's key from the name of a member; what is no key of that type is left for `write` to refuse. */
function keyFromText(kind: Kind, text: string): unknown {
  if (kind.name === "bool") return text === "true" ? true : text === "false" ? false : text;
  return kind.name === "string" ? text : kind.fromJson(text, 0);
}

/** True for what an object literal makes; a Date, bytes or an instance of a class is none. */
export function isPlainObject(value: unknown): value is Members {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
