/** What one key means for another, beyond the shape of each. Works on unvalidated data, so that all problems show at once. */
import { resolve } from "node:path";
import { parseAddress } from "../wire/address.ts";
import { BUILT_IN_CODECS } from "./defaults.ts";
import type { Explained } from "./explain.ts";
import { formatPath, isPlainObject, type Path } from "./path.ts";

/** @param folderOf what relative paths at a place are relative to */
export function checkRelations(input: unknown, folderOf: (path: Path) => string): Explained[] {
  const problems: Explained[] = [];
  const at = (path: Path, message: string) => problems.push({ path, message });
  const atKey = (path: Path, message: string) => problems.push({ path, message, part: "key" });
  const { codecs, endpoints, targets } = isPlainObject(input) ? input : {};

  for (const name of keysOf(codecs)) {
    if ((BUILT_IN_CODECS as readonly string[]).includes(name)) {
      atKey(["codecs", name], `${name} is the name of a built-in codec; choose another, such as "my-${name}"`);
    }
  }

  if (isPlainObject(endpoints) && keysOf(endpoints).length === 0) {
    at(["endpoints"], "expected at least one endpoint; leave the key out for the echo server");
  }
  const bound = new Map<string, Path>();
  for (const [name, endpoint] of Object.entries(isPlainObject(endpoints) ? endpoints : {})) {
    const path = ["endpoints", name];
    if (!isPlainObject(endpoint)) continue;
    const has = (key: string) => Object.hasOwn(endpoint, key);
    if (!has("bind") && !has("connect")) {
      atKey(path, 'an endpoint needs "bind", such as "tcp://127.0.0.1:25933", or "connect"');
    }
    if (has("handler") && has("handlers")) {
      atKey([...path, "handlers"], '"handler" and "handlers" exclude each other; keep one');
    } else if (has("handlers") && has("codec")) {
      atKey([...path, "codec"], '"codec" goes with "handler"; with "handlers" each call names its own');
    } else if (has("introspection") && !has("handlers")) {
      atKey([...path, "introspection"], '"introspection" goes with "handlers"');
    }
    // A port that the system chooses is another one each time.
    for (const [place, key] of placesOf(endpoint.bind, [...path, "bind"], "bind", folderOf)) {
      const earlier = bound.get(key);
      if (earlier === undefined) bound.set(key, place);
      else at(place, `the same address as ${formatPath(earlier)}; give it another`);
    }
    refuseTwins(endpoint.connect, [...path, "connect"]);
  }

  for (const [name, target] of Object.entries(isPlainObject(targets) ? targets : {})) {
    if (isPlainObject(endpoints) && Object.hasOwn(endpoints, name)) {
      atKey(["targets", name], "an endpoint has this name too; --endpoint could mean either, so choose another");
    }
    if (isPlainObject(target)) refuseTwins(target.connect, ["targets", name, "connect"]);
  }
  return problems;

  function refuseTwins(addresses: unknown, path: Path): void {
    const seen = new Map<string, Path>();
    for (const [place, key] of placesOf(addresses, path, "connect", folderOf)) {
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, place);
      else at(place, `the same address as ${formatPath(earlier)}; leave one out`);
    }
  }
}

function keysOf(value: unknown): string[] {
  return isPlainObject(value) ? Object.keys(value) : [];
}

/** Each good address with what makes it the same as another. */
function placesOf(
  value: unknown,
  path: Path,
  use: "bind" | "connect",
  folderOf: (path: Path) => string,
): [Path, string][] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((text, index): [Path, string][] => {
    if (typeof text !== "string") return [];
    const place = Array.isArray(value) ? [...path, index] : path;
    try {
      const address = parseAddress(text, use);
      if (address.transport === "ipc")
        return [[place, address.path.startsWith("@") ? text : resolve(folderOf(place), address.path)]];
      if (address.port === 0) return [];
      const host = address.host === "*" ? "0.0.0.0" : address.host.toLowerCase();
      return [[place, `${host} ${address.port}`]];
    } catch {
      return [];
    }
  });
}
