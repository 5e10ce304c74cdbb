/** From protobufjs's reflection of a message type to the plan that it is read and written by. */
import type { Field, Type } from "protobufjs";
import { ConfigError, type Problem } from "../../errors.ts";
import type { Value } from "../../handler.ts";
import type { FieldPlan, MessageKind, MessagePlan } from "./plan.ts";
import { messageFromJson } from "./proto-json.ts";
import { readNested } from "./read.ts";
import { enumKind, type Kind, SCALARS } from "./scalars.ts";
import { positionOf } from "./schema.ts";
import { NULL_VALUE, wellKnownType } from "./well-known.ts";
import { writeMessage } from "./write.ts";

/**
 * The plan of a type and of all it refers to.
 * Throws a {@link ConfigError} for what can't be carried: groups, and two fields that have one name in JSON.
 */
export function planMessage(type: Type, planned = new Map<Type, MessageKind>()): MessageKind {
  const known = planned.get(type);
  if (known !== undefined) return known;

  const name = type.fullName.slice(1);
  const fields: FieldPlan[] = [];
  const byNumber = new Map<number, FieldPlan>();
  const byName = new Map<string, FieldPlan>();
  const required: FieldPlan[] = [];
  const oneofs: { name: string; fields: FieldPlan[] }[] = [];
  const plan: MessagePlan = {
    name,
    fields,
    byNumber,
    byName,
    required,
    oneofs,
    wellKnown: wellKnownType(name, byNumber),
  };
  const kind = messageKind(plan);
  planned.set(type, kind); // before its fields, which may refer to it

  for (const reflected of [...type.fieldsArray].sort((one, other) => one.id - other.id)) {
    const field = planField(reflected, planned);
    if (byName.has(field.name)) throw refusal(reflected, `two fields of ${name} are "${field.name}" in JSON`);
    if (field.name === "__proto__") throw refusal(reflected, `a field can't be called ${field.name} here`);
    fields.push(field);
    byNumber.set(field.number, field);
    byName.set(field.name, field);
    if (field.required) required.push(field);
  }
  for (const reflected of type.fieldsArray) {
    const field = byNumber.get(reflected.id);
    if (field !== undefined && !byName.has(reflected.name)) byName.set(reflected.name, field);
  }
  for (const oneof of type.oneofsArray) {
    if (oneof.isProto3Optional) continue;
    const members = oneof.fieldsArray
      .map((reflected) => byNumber.get(reflected.id))
      .filter((field) => field !== undefined);
    oneofs.push({ name: oneof.name, fields: members });
  }
  return kind;
}

function planField(reflected: Field, planned: Map<Type, MessageKind>): FieldPlan {
  if (reflected.delimited)
    throw refusal(reflected, "a group (message_encoding = DELIMITED) is not supported; use a message");
  const kind = kindOf(reflected, planned);
  const shape = reflected.map ? "map" : reflected.repeated ? "repeated" : "single";
  const packed = shape === "repeated" && kind.wireType !== 2 && reflected.packed;
  const rivals = reflected.partOf?.fieldsArray.filter((other) => other !== reflected) ?? [];
  return {
    name: jsonNameOf(reflected),
    number: reflected.id,
    shape,
    kind,
    key: "keyType" in reflected ? SCALARS.get(String(reflected.keyType)) : undefined,
    tag: ((reflected.id << 3) | (packed || shape === "map" ? 2 : kind.wireType)) >>> 0,
    packed,
    presence: Boolean(reflected.hasPresence),
    required: reflected.required,
    rivals: rivals.map(jsonNameOf),
  };
}

function kindOf(reflected: Field, planned: Map<Type, MessageKind>): Kind {
  const { resolvedType } = reflected;
  if (resolvedType === null) {
    const scalar = SCALARS.get(reflected.type);
    if (scalar === undefined) throw refusal(reflected, `there is no type ${reflected.type}`);
    return scalar;
  }
  if ("fieldsArray" in resolvedType) return planMessage(resolvedType, planned);
  if (resolvedType.fullName === ".google.protobuf.NullValue") return NULL_VALUE;
  return enumKind(resolvedType.fullName.slice(1), resolvedType, isClosed(resolvedType));
}

/** Whether an enum's numbers are only those it lists (proto2); protobufjs keeps the answer, but has no typing for it. */
function isClosed(reflected: object): boolean {
  const features: unknown = "_features" in reflected ? reflected._features : undefined;
  return (
    typeof features === "object" && features !== null && "enum_type" in features && features.enum_type === "CLOSED"
  );
}

/** An extension is named in brackets, as in ProtoJSON. */
function jsonNameOf(reflected: Field): string {
  if (reflected.declaringField !== null) return `[${reflected.declaringField.fullName.slice(1)}]`;
  return reflected.jsonName ?? reflected.name;
}

function messageKind(plan: MessagePlan): MessageKind {
  const { wellKnown } = plan;
  return {
    plan,
    name: plan.name,
    wireType: 2,
    takesNull: wellKnown?.takesNull ?? false,
    read: (reader, depth, existing) => readNested(plan, reader, depth, existing),
    write(writer, value, depth) {
      writer.fork();
      writeMessage(plan, writer, value, depth);
      writer.ldelim();
    },
    fromJson: (json, depth) => messageFromJson(plan, json, depth),
    isDefault: () => false,
    zero: (): Value => wellKnown?.fromMessage?.({}) ?? (wellKnown?.takesNull ? null : {}),
  };
}

function refusal(reflected: Field, message: string): ConfigError {
  const { filename } = reflected;
  const position = filename === null ? undefined : positionOf(filename, new RegExp(`\\b${reflected.name}\\s*=`, "i"));
  const problem: Problem = { ...(filename === null ? {} : { file: filename }), ...position, message };
  return new ConfigError([problem]);
}
