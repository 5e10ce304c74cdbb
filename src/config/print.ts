/** The effective configuration for people and for programs, with where each value came from, and without secrets. */
import { relative } from "node:path";
import type { Json, JsonObject } from "../errors.ts";
import type { ConfigLine } from "../wire/page.ts";
import { quoted } from "./explain.ts";
import type { Origin } from "./layers.ts";
import type { LoadedConfig } from "./load.ts";
import { formatPath, isPlainObject, type Path } from "./path.ts";

/** What `zmqecho config` tells. */
export interface ConfigDescription {
  /** Absolute; absent if there is no file. */
  readonly file?: string;
  /** What relative paths are relative to. Absolute. */
  readonly folder: string;
  /** Secrets are `***`; what came from the environment through `${NAME}` is shown as it was written. */
  readonly config: JsonObject;
  /** By path, such as `endpoints.echo.bind[0]`, one for each value that is no object and no filled list. */
  readonly origins: Readonly<Record<string, Origin>>;
}

const SECRET_KEY = /secret|pass|pwd|token|auth|credential|private|cookie|keys?$/i;
/** `password=…` within a text, as queries of URLs and connection strings have it. */
const SECRET_PAIR = /((?:secret|passw|pwd|token|credential|signature|key)[\w-]*=)(?!\$\{\w+\})[^\s&;,"']+/gi;
/** The password of a URL, up to the last @ before its path. */
const URL_PASSWORD = /(:\/\/[^\s/?#:@]*:)[^\s/?#]*(?=@)/g;
const ONE_VARIABLE = /^\$\{\w+\}$/;
const MASK = "***";

/** The effective configuration as JSON. */
export function describeConfig(loaded: LoadedConfig): ConfigDescription {
  const origins: Record<string, Origin> = {};
  const visit = (value: unknown, path: Path): Json => {
    if (Array.isArray(value) && value.length > 0) return value.map((item, index) => visit(item, [...path, index]));
    if (isFilled(value)) return mapObject(value, (item, key) => visit(item, [...path, key]));
    origins[formatPath(path)] = loaded.origin(path);
    return shown(loaded, value, path);
  };
  return {
    ...(loaded.file !== undefined && { file: loaded.file }),
    folder: loaded.folder,
    config: mapObject({ ...loaded.config }, (value, key) => visit(value, [key])),
    origins,
  };
}

/** The effective configuration, a line for each value that is no object and no filled list. */
export function listConfig(loaded: LoadedConfig): ConfigLine[] {
  const lines = (value: unknown, path: Path): ConfigLine[] => {
    if (Array.isArray(value) && value.length > 0) return value.flatMap((item, index) => lines(item, [...path, index]));
    if (isFilled(value)) return Object.entries(value).flatMap(([key, item]) => lines(item, [...path, key]));
    const origin = originText(loaded, loaded.origin(path));
    return [{ path: formatPath(path), value: shown(loaded, value, path), origin }];
  };
  return lines(loaded.config, []);
}

/** The effective configuration as JSON with comments: after each value, `default`, a variable, `flag`, or file:line:column. */
export function printConfig(loaded: LoadedConfig): string {
  const lines = (value: unknown, path: Path, indent: string, label: string, end: string): string[] => {
    const inner = `${indent}  `;
    if (Array.isArray(value) && value.length > 0) {
      const items = value.flatMap((item, index) =>
        lines(item, [...path, index], inner, "", index === value.length - 1 ? "" : ","),
      );
      return [`${indent}${label}[`, ...items, `${indent}]${end}`];
    }
    if (isFilled(value)) {
      const entries = Object.entries(value);
      const items = entries.flatMap(([key, item], index) =>
        lines(item, [...path, key], inner, `${JSON.stringify(key)}: `, index === entries.length - 1 ? "" : ","),
      );
      return [`${indent}${label}{`, ...items, `${indent}}${end}`];
    }
    const text = JSON.stringify(shown(loaded, value, path));
    return [`${indent}${label}${text}${end} // ${originText(loaded, loaded.origin(path))}`];
  };
  const head =
    loaded.file === undefined ? `// no config file; paths are relative to ${loaded.folder}` : `// ${loaded.file}`;
  return `${[head, ...lines(loaded.config, [], "", "", "")].join("\n")}\n`;
}

function originText(loaded: LoadedConfig, { source, file, line, column, name }: Origin): string {
  if (source === "environment" && name !== undefined) return name;
  if (source !== "file" || file === undefined) return source;
  const short = relative(loaded.folder, file);
  return line === undefined ? short : `${short}:${line}:${column}`;
}

/** A value that holds no others, as it may be shown. */
function shown(loaded: LoadedConfig, value: unknown, path: Path): Json {
  const source = loaded.source(path);
  if (isSecret(path) && !isEmpty(value)) return source !== undefined && ONE_VARIABLE.test(source) ? source : MASK;
  const text = source ?? value;
  if (typeof text === "string") return text.replace(URL_PASSWORD, `$1${MASK}`).replace(SECRET_PAIR, `$1${MASK}`);
  if (Array.isArray(value)) return [];
  if (isPlainObject(value)) return {};
  const isJson = value === null || typeof value === "boolean" || Number.isFinite(value);
  return isJson ? (value as Json) : quoted(value);
}

/** Only options are free to hold secrets; every other key has a meaning that is none. */
function isSecret(path: Path): boolean {
  const [section, , part, ...keys] = path;
  return section === "handlers" && part === "options" && keys.some((key) => SECRET_KEY.test(String(key)));
}

function isFilled(value: unknown): value is Record<string, unknown> {
  return isPlainObject(value) && Object.keys(value).length > 0;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) || isPlainObject(value);
}

function mapObject(object: Record<string, unknown>, map: (value: unknown, key: string) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
