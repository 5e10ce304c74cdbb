/** Keys are in files, and nowhere else. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Certificate, readCertificate } from "../../src/curve/certificate.ts";
import { decodeZ85 } from "../../src/curve/z85.ts";
import { folderWith } from "../config/folder.ts";
import { run, serve } from "../processes.ts";

/** In any form in which one might be printed. */
function formsOf({ publicKey, secretKey }: Certificate): string[] {
  return [publicKey, secretKey ?? publicKey].flatMap((key) => {
    const bytes = decodeZ85(key) ?? Buffer.alloc(0);
    return [key.slice(4, 24), bytes.toString("hex").slice(0, 20), bytes.toString("base64").slice(0, 20)];
  });
}

test("no key is in what a host logs at its most talkative, what commands print, and the arguments of any of them", async () => {
  const cwd = folderWith({});
  for (const name of ["server", "ann", "eve"]) await run(["keygen", name], { cwd });
  mkdirSync(join(cwd, "clients"));
  writeFileSync(join(cwd, "clients", "ann.key"), readFileSync(join(cwd, "ann.key")));
  writeFileSync(
    join(cwd, "clients", "broken.key"),
    readFileSync(join(cwd, "eve.key_secret"), "utf8").replace(/(-key = ".)./g, "$1"),
  );
  const endpoint = {
    bind: "tcp://127.0.0.1:*",
    handlers: ["*"],
    curve: { certificate: "server.key_secret", allow: "clients" },
  };
  const config = { log: { level: "debug" }, endpoints: { e: endpoint } };
  writeFileSync(join(cwd, "zmqecho.config.json"), JSON.stringify(config));
  const host = await serve([], { cwd });
  const [address = ""] = host.addresses;
  const said: string[] = [readFileSync(`/proc/${host.pid}/cmdline`, "utf8")];
  const tell = async (code: number, ...args: string[]) => {
    const { stdout, stderr, code: ended } = await run(args, { cwd });
    said.push(stdout, stderr);
    expect([args, ended]).toEqual([args, code]);
  };
  const keys = ["--server-key", "server.key", "--certificate", "ann.key_secret"];
  const hers = ["--server-key", "server.key", "--certificate", "eve.key_secret"];
  await tell(0, "send", address, "hi", "--handler", "echo", "-v", ...keys);
  await tell(0, "send", address, "hi", "--handler", "echo", "-o", "json", ...keys);
  await tell(0, "list", "-c", address, "-o", "json", ...keys);
  await tell(0, "describe", "echo", "-c", address, "-o", "json", ...keys);
  await tell(0, "ping", address, "--zep", "-o", "json", ...keys);
  await tell(80, "send", address, "hi", "--handler", "echo", "-v", ...hers);
  await tell(80, "send", address, "hi", "--handler", "echo", "-o", "json", ...hers);
  await tell(80, "ping", address, "--server-key", "eve.key");
  await tell(2, "send", address, "--server-key", "clients/broken.key");
  await tell(0, "config");
  await tell(0, "check");
  await host.logged("refused a client's key");
  await host.logged("broken.key");
  said.push((await host.stop()).stderr);
  const all = said.join("\n");
  for (const name of ["server", "ann", "eve"])
    for (const form of formsOf(await readCertificate(join(cwd, `${name}.key_secret`)))) expect(all).not.toContain(form);
});
