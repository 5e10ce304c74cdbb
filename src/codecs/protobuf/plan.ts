/** What the reader and the writer know of a message type: its fields, worked out once. */
import type { Value } from "../../handler.ts";
import type { Kind } from "./scalars.ts";

/**
 * How deep messages may nest. Room for values 128 deep in google.protobuf.Value, which takes two messages a level,
 * and far from the end of the stack.
 */
export const MAX_NESTING = 300;

/** A message that is being read or written, by the names of its fields. */
export type Members = Record<string, unknown>;

export interface FieldPlan {
  /** ProtoJSON's name: lowerCamelCase, or the field's `json_name`. */
  readonly name: string;
  readonly number: number;
  readonly shape: "single" | "repeated" | "map";
  readonly kind: Kind;
  /** The type of a map's keys. */
  readonly key: Kind | undefined;
  /** The tag it is written with: of the list for a packed field, of each value for any other. */
  readonly tag: number;
  /** Whether a repeated field is written packed; both forms are read. */
  readonly packed: boolean;
  /** Whether a single field that holds its default is written all the same. */
  readonly presence: boolean;
  readonly required: boolean;
  /** The other members of its oneof. */
  readonly rivals: readonly string[];
}

export interface MessagePlan {
  /** The full name, without a leading dot. */
  readonly name: string;
  /** In the order of their numbers, in which they are written. */
  readonly fields: readonly FieldPlan[];
  readonly byNumber: ReadonlyMap<number, FieldPlan>;
  /** By ProtoJSON's name and by the name in the .proto file. */
  readonly byName: ReadonlyMap<string, FieldPlan>;
  readonly required: readonly FieldPlan[];
  readonly oneofs: readonly { readonly name: string; readonly fields: readonly FieldPlan[] }[];
  /** Set for a type that stands for something simpler than a message, such as a Date. */
  readonly wellKnown: WellKnown | undefined;
}

/** What a well-known type stands for (https://protobuf.dev/reference/protobuf/google.protobuf/). */
export interface WellKnown {
  /** Whether null is a value of it. */
  readonly takesNull: boolean;
  /** The value that a message stands for; without these two it stays a message. */
  fromMessage?(message: Members): Value;
  /** The message that stands for a value. Throws a `Fault` for a value of another type. */
  toMessage?(value: unknown): Members;
  /** What the writer takes, from ProtoJSON's text form. */
  fromJson(json: unknown): unknown;
}

/** A message type as the type of a field, or as what a codec carries. */
export interface MessageKind extends Kind {
  readonly plan: MessagePlan;
}
