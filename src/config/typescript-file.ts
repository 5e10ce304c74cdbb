/** A configuration written in TypeScript, on every Node: bundled by esbuild, evaluated as CommonJS. */
import Module from "node:module";
import { dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { defineConfig } from "./define.ts";

type CompiledModule = Module & { _compile(code: string, file: string): void };

/**
 * The default export of a TypeScript file. What it imports from its own folder is bundled, packages are resolved from where
 * it stands, and `import { defineConfig } from "zmqecho"` works wherever it stands.
 * Throws {@link ConfigError} with the position of a mistake in its syntax.
 */
export async function evaluateTypeScript(file: string): Promise<unknown> {
  const { build } = await import("esbuild");
  const bundle = await build({
    entryPoints: [file],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node20",
    write: false,
    logLevel: "silent",
  }).catch((error: { errors?: readonly { text: string; location: { line: number; column: number } | null }[] }) => {
    const [first] = error.errors ?? [];
    if (first === undefined) throw error;
    const position = first.location && { line: first.location.line, column: first.location.column + 1 };
    throw new ConfigError([{ file, ...position, message: first.text }]);
  });
  const module = new Module(file) as CompiledModule;
  module.filename = file;
  module.paths = (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(dirname(file));
  const { require } = module;
  module.require = Object.assign(
    (id: string) => (id === "zmqecho" ? { defineConfig } : require.call(module, id)),
    require,
  );
  module._compile(bundle.outputFiles[0]?.text ?? "", file);
  const { exports } = module as { exports: { default?: unknown } };
  return exports.default;
}
