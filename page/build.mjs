/** Makes dist/page of what is here: one script and one style, and the licences of what went into them. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { BUNDLED, packagesIn } from "./bundled-packages.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const checkout = join(here, "..");
const out = join(checkout, "dist/page");

const { metafile } = await build({
  entryPoints: [
    { in: join(here, "main.tsx"), out: "page" },
    { in: join(here, "page.css"), out: "page" },
  ],
  outdir: out,
  absWorkingDir: checkout,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

for (const file of ["index.html", "icon.svg"]) copyFileSync(join(here, file), join(out, file));

const found = packagesIn(metafile);
if (found.join() !== BUNDLED.join())
  throw new Error(`the page is made of ${found}, and bundled-packages.mjs says ${BUNDLED}`);
const licenses = found.map((name) => {
  const folder = join(checkout, "node_modules", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), licenses.join(`\n${"-".repeat(80)}\n\n`));
