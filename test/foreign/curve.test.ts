/** CURVE with pyzmq: its certificates in our hands, ours in its, and its clients at our endpoints. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { serve } from "./hosts.ts";
import { python, root } from "./programs.ts";

test.each([
  ["pyzmq's", (folder: string) => python("curve_client.py", folder)],
  [
    "ours",
    async (folder: string) => {
      for (const name of ["server", "client"])
        execFileSync(process.execPath, [`${root}dist/bin.js`, "keygen", join(folder, name)]);
    },
  ],
])("a client of pyzmq gets in with certificates that are %s", async (_, make) => {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-curve-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await make(folder);
  const allow = join(folder, "allow");
  mkdirSync(allow);
  copyFileSync(join(folder, "client.key"), join(allow, "client.key"));
  const address = await serve({ curve: { certificate: join(folder, "server.key_secret"), allow } });
  expect(await python("curve_client.py", folder, address)).toBe("hello\n");
});
