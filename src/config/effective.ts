/** From the validated input to the configuration that the rest of the house reads. */
import { isAbsolute, resolve } from "node:path";
import { textOf } from "../errors.ts";
import { parseAddress } from "../wire/address.ts";
import { DEFAULTS } from "./defaults.ts";
import type { PathProblem } from "./interpolate.ts";
import type { Path } from "./path.ts";
import type { ParsedConfig } from "./schema.ts";

type ParsedEndpoint = ParsedConfig["endpoints"][string];
type ParsedTarget = ParsedConfig["targets"][string];
type ParsedCodec = ParsedConfig["codecs"][string];
type ParsedProtobuf = Extract<ParsedCodec, { type: "protobuf" }>;

/** Sizes in bytes, durations in milliseconds. */
export type Limits = ParsedConfig["limits"];

/** `handlers.NAME`: what is absent is the plugin's own choice. */
export type HandlerConfig = ParsedConfig["handlers"][string];

/** Paths are absolute, `proto` is a list. */
export type CodecConfig =
  | Exclude<ParsedCodec, ParsedProtobuf>
  | (Omit<ParsedProtobuf, "proto" | "include"> & { proto?: string[]; include?: string[] });

interface AnyEndpoint extends Pick<ParsedEndpoint, "concurrency" | "queue" | "ipcMode" | "curve"> {
  /** Either of the two may be empty, not both. */
  bind: string[];
  connect: string[];
  /** The endpoint's own over the global ones. */
  limits: Limits;
}

/** One handler; a message is its payload and nothing else. */
export interface PlainEndpointConfig extends AnyEndpoint {
  handler: string;
  codec: string;
  handlers?: undefined;
  introspection?: undefined;
}

/** Many handlers, called by name through ZEP. */
export interface ZepEndpointConfig extends AnyEndpoint {
  /** Exact names, `prefix.*`, or `*`. */
  handlers: string[];
  introspection: boolean;
  handler?: undefined;
  codec?: undefined;
}

/** `endpoint.handlers === undefined` tells the two apart. */
export type EndpointConfig = PlainEndpointConfig | ZepEndpointConfig;

export interface TargetConfig extends Omit<ParsedTarget, "connect"> {
  connect: string[];
}

/**
 * The whole configuration: defaults filled in, string-or-list made lists, paths absolute.
 * The four records by name have no prototype, so that a look-up finds nothing that nobody wrote.
 */
export interface Config extends Omit<ParsedConfig, "$schema" | "codecs" | "handlers" | "endpoints" | "targets"> {
  codecs: Record<string, CodecConfig>;
  handlers: Record<string, HandlerConfig>;
  endpoints: Record<string, EndpointConfig>;
  targets: Record<string, TargetConfig>;
}

/** @param folderOf what relative paths at a place are relative to, absolute */
export function effectiveConfig(
  parsed: ParsedConfig,
  folderOf: (path: Path) => string,
): { config: Config; problems: PathProblem[] } {
  const problems: PathProblem[] = [];

  const absolute = (text: string, path: Path) => resolve(folderOf(path), text);
  const absolutes = (texts: string | readonly string[], path: Path) =>
    listOf(texts).map((text, index) => absolute(text, typeof texts === "string" ? path : [...path, index]));
  const absoluteAll = <Files extends Record<string, string>>(files: Files, path: Path): Files =>
    Object.fromEntries(Object.entries(files).map(([key, text]) => [key, absolute(text, [...path, key])])) as Files;
  const addresses = (texts: string | readonly string[] | undefined, path: Path, use: "bind" | "connect") =>
    listOf(texts ?? []).map((text, index) => {
      const place = typeof texts === "string" ? path : [...path, index];
      const address = parseAddress(text, use);
      if (address.transport !== "ipc" || address.path.startsWith("@") || isAbsolute(address.path)) return text;
      const full = `ipc://${absolute(address.path, place)}`;
      try {
        return parseAddress(full, use).text;
      } catch (error) {
        problems.push({ path: place, message: textOf(error) });
        return full;
      }
    });

  const codec = (spec: ParsedCodec, path: Path): CodecConfig => {
    if (spec.type !== "protobuf") return spec;
    const { proto, include, ...rest } = spec;
    return {
      ...rest,
      ...(proto !== undefined && { proto: absolutes(proto, [...path, "proto"]) }),
      ...(include !== undefined && { include: absolutes(include, [...path, "include"]) }),
    };
  };

  const endpoint = (given: ParsedEndpoint, path: Path): EndpointConfig => {
    const { handler, handlers, codec: codecName, introspection, concurrency, queue, ipcMode, curve } = given;
    // In the order in which people read them.
    const bind = addresses(given.bind, [...path, "bind"], "bind");
    const rest = {
      connect: addresses(given.connect, [...path, "connect"], "connect"),
      concurrency,
      queue,
      limits: { ...parsed.limits, ...given.limits },
      ipcMode,
      ...(curve !== undefined && { curve: absoluteAll(curve, [...path, "curve"]) }),
    };
    return handlers === undefined
      ? { bind, handler: handler ?? DEFAULTS.handler, codec: codecName ?? DEFAULTS.codec, ...rest }
      : { bind, handlers, introspection: introspection ?? true, ...rest };
  };

  const target = ({ curve, ...given }: ParsedTarget, path: Path): TargetConfig => ({
    ...given,
    connect: addresses(given.connect, [...path, "connect"], "connect"),
    ...(curve !== undefined && { curve: absoluteAll(curve, [...path, "curve"]) }),
  });

  const { $schema, ...rest } = parsed;
  const config: Config = {
    ...rest,
    plugins: parsed.plugins.map((entry, index) => (/^[./]/.test(entry) ? absolute(entry, ["plugins", index]) : entry)),
    codecs: mapRecord(parsed.codecs, codec, "codecs"),
    handlers: mapRecord(parsed.handlers, (handler) => handler, "handlers"),
    endpoints: mapRecord(parsed.endpoints, endpoint, "endpoints"),
    targets: mapRecord(parsed.targets, target, "targets"),
    ...(parsed.capture && { capture: { ...parsed.capture, dir: absolute(parsed.capture.dir, ["capture", "dir"]) } }),
  };
  return { config, problems };
}

function listOf(texts: string | readonly string[]): readonly string[] {
  return typeof texts === "string" ? [texts] : texts;
}

function mapRecord<From, To>(
  record: Record<string, From>,
  map: (value: From, path: Path) => To,
  key: string,
): Record<string, To> {
  const result: Record<string, To> = Object.create(null);
  for (const [name, value] of Object.entries(record)) result[name] = map(value, [key, name]);
  return result;
}
