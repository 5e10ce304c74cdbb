/** CURVE with CZMQ: its certificates in our hands, ours in its; its clients at our endpoints, ours at its servers. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createClient, readCertificate } from "zmqecho";
import { serve } from "./hosts.ts";
import { build, here, root, run, start } from "./programs.ts";

let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "zmqecho-czmq-"));
  program = join(folder, "czmq_curve");
  await build(`${here}czmq_curve.c`, program, ["czmq", "zmq"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keygen = (path: string) => execFileSync(process.execPath, [`${root}dist/bin.js`, "keygen", path]);

describe.each([
  ["CZMQ's", (site: string) => run(program, ["keys", site])],
  [
    "ours",
    async (site: string) => {
      for (const name of ["server", "client"]) keygen(join(site, name));
    },
  ],
])("with certificates that are %s", (_, make) => {
  /** The two pairs, and a folder with the client's public half. */
  async function site() {
    const path = mkdtempSync(join(folder, "site-"));
    await make(path);
    const allow = join(path, "allow");
    mkdirSync(allow);
    copyFileSync(join(path, "client.key"), join(allow, "client.key"));
    const [server, client] = await Promise.all(
      ["server", "client"].map((name) => readCertificate(join(path, `${name}.key_secret`))),
    );
    if (server === undefined || client === undefined) throw new Error("no pairs");
    return { path, allow, server, client, certificate: join(path, "server.key_secret") };
  }

  test("both read the same keys, in both files", async () => {
    const { path, server, client } = await site();
    const lines = [server, client].map(({ publicKey, secretKey }) => `${publicKey} ${secretKey}\n`);
    expect(await run(program, ["read", path])).toBe(lines.join(""));
    expect(await readCertificate(join(path, "client.key"))).toEqual({ publicKey: client.publicKey });
    expect(statSync(join(path, "client.key_secret")).mode & 0o777).toBe(0o600);
  });

  test("a client of CZMQ's gets into an endpoint of ours, and not once its key has gone", async () => {
    const { path, allow, certificate } = await site();
    const curve = { certificate, allow };
    expect(await run(program, ["ask", path, await serve({ curve })])).toBe("hello\n");
    rmSync(join(allow, "client.key"));
    const address = await serve({ curve });
    await expect(run(program, ["ask", path, address, "1000"])).rejects.toMatchObject({ code: 1, stdout: "" });
  });

  test("a client of ours gets into a server of CZMQ's, and one with another key is told", async () => {
    const { path, allow, server, client } = await site();
    const [address = ""] = await start(program, ["serve", path, allow]);
    const ask = (curve: { publicKey?: string; secretKey?: string }) => {
      const made = createClient({ connect: address, curve: { serverKey: server.publicKey, ...curve } });
      onTestFinished(() => made.close());
      return made.request("hello");
    };
    await expect(ask({})).rejects.toMatchObject({ code: "unauthenticated" });
    expect(Buffer.from((await ask(client)) as Uint8Array).toString()).toBe("hello");
  });

  test("send gets in with the same files", async () => {
    const { path, allow } = await site();
    const [address = ""] = await start(program, ["serve", path, allow]);
    expect(existsSync(join(path, "server.key"))).toBe(true);
    const flags = ["--server-key", join(path, "server.key"), "--certificate", join(path, "client.key_secret")];
    const sent = await run(process.execPath, [`${root}dist/bin.js`, "send", address, "hi", "-o", "value", ...flags]);
    expect(sent).toBe("hi\n");
  });
});
