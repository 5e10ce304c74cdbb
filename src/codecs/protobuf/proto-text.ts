/** Message types as text again, in the language of .proto files: what a caller in another language needs of a schema. */
import type { Enum, Field, OneOf, ReflectionObject, Type } from "protobufjs";

type Declared = Type | Enum;

/** What an object's file said of itself; protobufjs keeps it, but has no typing for it. */
type Edition = { readonly _edition?: string | null };

/**
 * These types and all they refer to, but Google's own, which are imported. One file can hold what is of one package; of
 * several each part begins with its own `package`.
 */
export function protoText(types: readonly Type[]): string {
  const wanted = new Set<Declared>();
  const imports = new Set<string>();
  for (const type of types) reach(type, wanted, imports);
  const outermost = new Set([...wanted].map(outermostOf));
  const parts = [...byPackage(outermost)].map(([name, declared]) => {
    return [
      ...(name === "" ? [] : [`package ${name};`, ""]),
      ...declared.flatMap((each) => [...declaration(each, wanted, ""), ""]),
    ].join("\n");
  });
  const first = types[0];
  const head = [
    first === undefined ? "" : syntaxOf(first),
    "",
    ...[...imports].sort().map((file) => `import "${file}";`),
    ...(imports.size > 0 ? [""] : []),
  ];
  return `${head.join("\n")}\n${parts.join("\n")}`.trimEnd().concat("\n");
}

function byPackage(declared: Iterable<Declared>): Map<string, Declared[]> {
  const groups = new Map<string, Declared[]>();
  for (const each of declared) groups.set(packageOf(each), [...(groups.get(packageOf(each)) ?? []), each]);
  return groups;
}

function reach(declared: Declared, wanted: Set<Declared>, imports: Set<string>): void {
  if (wanted.has(declared)) return;
  const google = /^\.google\.protobuf\.(\w+)/.exec(declared.fullName)?.[1];
  if (google !== undefined) {
    imports.add(`google/protobuf/${fileOfGoogles(google)}.proto`);
    return;
  }
  wanted.add(declared);
  if (!("fieldsArray" in declared)) return;
  for (const { resolvedType } of ownFields(declared)) if (resolvedType !== null) reach(resolvedType, wanted, imports);
}

function fileOfGoogles(type: string): string {
  if (/Value$/.test(type) && !["Value", "ListValue", "NullValue"].includes(type)) return "wrappers";
  if (["Value", "ListValue", "NullValue", "Struct"].includes(type)) return "struct";
  return type === "FieldMask" ? "field_mask" : type.toLowerCase();
}

/** Extensions are declared elsewhere. */
function ownFields({ fieldsArray }: Type): Field[] {
  return fieldsArray.filter(({ declaringField }) => declaringField === null);
}

function isType(object: ReflectionObject | null): object is Type {
  return object !== null && "fieldsArray" in object && "oneofsArray" in object;
}

function outermostOf(declared: Declared): Declared {
  let outer: Declared = declared;
  for (let around: ReflectionObject | null = declared.parent; isType(around); around = around.parent) outer = around;
  return outer;
}

function packageOf(declared: Declared): string {
  return outermostOf(declared).parent?.fullName.slice(1) ?? "";
}

function syntaxOf(type: Type): string {
  const edition = (outermostOf(type) as Edition)._edition ?? "proto3";
  return edition.startsWith("proto") ? `syntax = "${edition}";` : `edition = "${edition}";`;
}

/** With what is nested in it as far as it is wanted, or has something in it that is. */
function declaration(declared: Declared, wanted: ReadonlySet<Declared>, indent: string): string[] {
  if (!("fieldsArray" in declared)) return enumLines(declared, indent);
  const inner = `${indent}  `;
  const nested = declared.nestedArray.filter((each): each is Declared => holdsAny(each, wanted));
  const fields = wanted.has(declared) ? ownFields(declared).sort((one, other) => one.id - other.id) : [];
  const done = new Set<OneOf>();
  const lines = fields.flatMap((field) => {
    const oneof = field.partOf;
    if (oneof === null || oneof.isProto3Optional) return [`${inner}${fieldLine(field)}`];
    if (done.has(oneof)) return [];
    done.add(oneof);
    const members = fields.filter(({ partOf }) => partOf === oneof);
    return [`${inner}oneof ${oneof.name} {`, ...members.map((each) => `${inner}  ${fieldLine(each)}`), `${inner}}`];
  });
  return [
    `${indent}message ${declared.name} {`,
    ...nested.flatMap((each) => declaration(each, wanted, inner)),
    ...lines,
    `${indent}}`,
  ];
}

function holdsAny(object: ReflectionObject, wanted: ReadonlySet<Declared>): boolean {
  return [...wanted].some((each) => each === object || each.fullName.startsWith(`${object.fullName}.`));
}

function enumLines(declared: Enum, indent: string): string[] {
  const values = Object.entries(declared.values);
  const isAliased = new Set(values.map(([, number]) => number)).size < values.length;
  return [
    `${indent}enum ${declared.name} {`,
    ...(isAliased ? [`${indent}  option allow_alias = true;`] : []),
    ...values.map(([name, number]) => `${indent}  ${name} = ${number};`),
    `${indent}}`,
  ];
}

function fieldLine(field: Field): string {
  const type = field.resolvedType?.fullName ?? field.type;
  const full = "keyType" in field ? `map<${String(field.keyType)}, ${type}>` : `${labelOf(field)}${type}`;
  return `${full} ${field.name} = ${field.id}${optionsOf(field)};`;
}

function labelOf(field: Field): string {
  if (field.repeated) return "repeated ";
  const edition = (outermostOf(field.parent as Type) as Edition)._edition ?? "proto3";
  if (edition === "proto2") {
    if (field.required) return "required ";
    return field.partOf === null ? "optional " : "";
  }
  return field.partOf?.isProto3Optional ? "optional " : "";
}

/** Those that count on the wire, or in JSON. */
function optionsOf(field: Field): string {
  const given: Readonly<Record<string, unknown>> = field.options ?? {};
  const shown = Object.entries(given).flatMap(([name, value]) => {
    if (name !== "default" && name !== "packed" && name !== "json_name" && !name.startsWith("features")) return [];
    const isName = field.resolvedType !== null || typeof value !== "string" || name.startsWith("features");
    return [`${name} = ${isName && name !== "json_name" ? String(value) : JSON.stringify(value)}`];
  });
  return shown.length === 0 ? "" : ` [${shown.join(", ")}]`;
}
