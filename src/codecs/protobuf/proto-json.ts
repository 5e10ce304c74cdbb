/** From ProtoJSON, as people write it, to what the writer takes. https://protobuf.dev/programming-guides/json/ */
import { Fault, memberStep, within } from "./fault.ts";
import { type FieldPlan, MAX_NESTING, type Members, type MessagePlan } from "./plan.ts";
import type { Kind } from "./scalars.ts";
import { isPlainObject } from "./write.ts";

/** A message. What does not fit and would be refused by the writer anyway passes as it is. */
export function messageFromJson(plan: MessagePlan, json: unknown, depth: number): unknown {
  if (depth > MAX_NESTING) throw new Fault(`messages nest more than ${MAX_NESTING} deep`);
  if (plan.wellKnown !== undefined) return plan.wellKnown.fromJson(json);
  if (!isPlainObject(json)) return json;
  const message: Members = {};
  for (const [name, member] of Object.entries(json)) {
    try {
      const field = plan.byName.get(name);
      setOwn(message, name, field === undefined ? member : fieldFromJson(field, member, depth + 1));
    } catch (error) {
      throw within(error, memberStep(name));
    }
  }
  return message;
}

function fieldFromJson({ kind, shape }: FieldPlan, json: unknown, depth: number): unknown {
  if (shape === "repeated" && Array.isArray(json)) {
    return json.map((item, index) => convert(kind, item, depth, `[${index}]`));
  }
  if (shape === "map" && isPlainObject(json)) {
    const map: Members = {};
    for (const [key, item] of Object.entries(json)) setOwn(map, key, convert(kind, item, depth, memberStep(key)));
    return map;
  }
  return shape === "single" ? kind.fromJson(json, depth) : json;
}

function convert(kind: Kind, json: unknown, depth: number, step: string): unknown {
  try {
    return kind.fromJson(json, depth);
  } catch (error) {
    throw within(error, step);
  }
}

/** Sets a member and never a prototype: JSON text may hold "__proto__", which `write` is to refuse. */
function setOwn(target: Members, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
