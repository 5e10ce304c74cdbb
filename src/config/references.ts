/** Names in the configuration that only the plugins can make good. */
import type { Problem } from "../errors.ts";
import { suggestion } from "../wording.ts";
import { BUILT_IN_CODECS } from "./defaults.ts";
import type { LoadedConfig } from "./load.ts";

/** What the plugins offer, by name; those that are there but broken count too. */
export interface PluginNames {
  readonly handlers: Iterable<string>;
  readonly codecs: Iterable<string>;
}

/** Each name of a plugin, a handler or a codec in the configuration that nothing stands behind. */
export function checkReferences(loaded: LoadedConfig, plugins: PluginNames): Problem[] {
  const { config } = loaded;
  const pluginNames = new Set(plugins.handlers);
  const handlers = new Set([...pluginNames, ...Object.keys(config.handlers)]);
  const codecs = new Set([...BUILT_IN_CODECS, ...Object.keys(config.codecs), ...plugins.codecs]);
  const problems: Problem[] = [];
  const expect = (kind: string, name: string, known: ReadonlySet<string>, path: (string | number)[]) => {
    if (known.has(name)) return;
    problems.push(loaded.problem(path, `there is no ${kind} ${JSON.stringify(name)}${suggestion(name, known)}`));
  };

  for (const [name, { plugin }] of Object.entries(config.handlers)) {
    const path = ["handlers", name];
    expect("plugin", plugin ?? name, pluginNames, plugin === undefined ? path : [...path, "plugin"]);
  }
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    const path = ["endpoints", name];
    if (endpoint.handlers === undefined) {
      expect("handler", endpoint.handler, handlers, [...path, "handler"]);
      expect("codec", endpoint.codec, codecs, [...path, "codec"]);
    } else {
      for (const [index, pattern] of endpoint.handlers.entries()) {
        if (!pattern.endsWith("*")) expect("handler", pattern, handlers, [...path, "handlers", index]);
      }
    }
  }
  for (const [name, { codec }] of Object.entries(config.targets))
    expect("codec", codec, codecs, ["targets", name, "codec"]);
  return problems;
}
