/** What the page is made of beside our own code: packages that users get within dist/page, and not by npm. */
export const BUNDLED = ["preact", "uplot"];

/** Those of a bundle, sorted, from what esbuild tells of it. */
export function packagesIn({ outputs }) {
  const inputs = Object.values(outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const names = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}
