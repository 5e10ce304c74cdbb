/** A configuration written in TypeScript, on every Node: bundled by esbuild, evaluated as CommonJS, afresh each time. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { compileFunction, constants } from "node:vm";
import { ConfigError } from "../errors.ts";
import { defineConfig } from "./define.ts";

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
  }).catch(
    (error: {
      errors?: readonly { text: string; location: { file: string; line: number; column: number } | null }[];
    }) => {
      const [first] = error.errors ?? [];
      if (first === undefined) throw error;
      const { location, text } = first;
      const place = location && { file: resolve(location.file), line: location.line, column: location.column + 1 };
      throw new ConfigError([{ file, ...place, message: text }]);
    },
  );
  const packages = createRequire(file);
  const require = (id: string): unknown => (id === "zmqecho" ? { defineConfig } : packages(id));
  const module: { exports: { default?: unknown } } = { exports: {} };
  const evaluate = compileFunction(bundle.outputFiles[0]?.text ?? "", ["module", "exports", "require"], {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  evaluate(module, module.exports, require);
  return module.exports.default;
}
