/** Programs of their own with hosts that show themselves, or not: of the built package, as users have it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** What a program prints before it ends by itself. */
async function printedBy(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: checkout,
    timeout: 10_000,
  });
  return stdout;
}

const hostWith = (more: string) => `
  const { createHost } = await import("zmqecho");
  const host = createHost({ endpoints: { e: { bind: "tcp://127.0.0.1:*" } }, plugins: [], watch: false${more} });
  await host.start();`;

test("a host without http loads nothing of it", async () => {
  const loaded = `
    const { createRequire } = await import("node:module");
    const { cache } = createRequire(process.cwd() + "/x.js");
    console.log(Object.keys(cache).some((file) => file.includes("/node_modules/prom-client/")));
    await host.stop();`;
  expect(await printedBy(hostWith("") + loaded)).toBe("false\n");
  expect(await printedBy(hostWith(', http: { bind: "127.0.0.1:*" }') + loaded)).toBe("true\n");
});

test("a program ends when its hosts have stopped, whoever is connected to them over HTTP", async () => {
  const script = `
    ${hostWith(', http: { bind: "127.0.0.1:*" }')}
    const { connect } = await import("node:net");
    const { port } = new URL(host.httpUrl);
    const peers = ["", "GET / HTTP/1.1\\r\\n"].map((text) => {
      const peer = connect(port, "127.0.0.1", () => peer.write(text));
      peer.on("error", () => {});
      return peer.unref();
    });
    await (await fetch(host.httpUrl + "/metrics")).text();
    await host.stop();
    console.log("stopped");`;
  expect(await printedBy(script)).toBe("stopped\n");
});
