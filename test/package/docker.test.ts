/** The image of examples/docker, as far as it can be had without Docker: its steps, its files, and its command as process 1. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { build, type Image } from "./dockerfile.ts";

const checkout = new URL("../..", import.meta.url).pathname;
let work: string;
let image: Image;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "zmqecho-image-"));
  image = await build(await readFile(join(checkout, "examples/docker/Dockerfile"), "utf8"), checkout, work);
});

afterAll(() => rm(work, { recursive: true, force: true }));

/** A command of the image, with this Node and the files of the image. */
function here(words: readonly string[], port: number): string[] {
  return words.map((word) =>
    word === "node" ? process.execPath : word.replace(/^(?=\/(opt|etc)\/)/, image.root).replace("25935", String(port)),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await once(server.close(), "close");
  return port;
}

/** What the container runs, as process 1 of a namespace, as it is in a container. */
async function started(port: number) {
  const file = join(image.root, "etc/zmqecho/zmqecho.config.json");
  const config = (await readFile(file, "utf8")).replace(/tcp:\/\/[\d.]+:\d+/, `tcp://127.0.0.1:${port}`);
  await writeFile(file, config);
  const words = here([...image.entrypoint, ...image.command], port);
  const wall = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"];
  const container = spawn("unshare", [...wall, ...words], {
    cwd: join(image.root, image.workdir),
    env: { PATH: process.env.PATH, ...image.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void container.kill("SIGKILL"));
  let log = "";
  for await (const chunk of container.stderr.iterator({ destroyOnReturn: false })) {
    log += chunk;
    if (log.includes("listening on")) break;
  }
  container.stderr.resume();
  expect(log).toContain(`listening on tcp://127.0.0.1:${port}`);
  return { container, first: await childOf(container) };
}

async function childOf({ pid }: ChildProcess): Promise<number> {
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, "utf8"));
}

const health = (port: number) => {
  const [program = "", ...args] = here(image.healthcheck, port);
  return promisify(execFile)(program, args, { env: { PATH: process.env.PATH } });
};

test("it is healthy while it serves, as process 1, and ends with 0 at the signal that stops it", async () => {
  const port = await freePort();
  const { container, first } = await started(port);
  expect(await readFile(`/proc/${first}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t(\d+\t)*1$/m);
  expect((await health(port)).stdout).toContain('endpoint "gateway" answers');
  const ended = once(container, "exit");
  process.kill(first, image.stopSignal);
  expect(await ended).toEqual([0, null]);
});

test("it is unhealthy when nobody listens", async () => {
  await expect(health(await freePort())).rejects.toMatchObject({ code: 78 });
});

test("it does not run as root", () => {
  expect(image.user).toBe("node");
});

test("it has nothing of what only builds or tests it", async () => {
  const names = await readdir(join(image.root, "opt/zmqecho"));
  expect(names.sort()).toEqual(["LICENSE", "config", "dist", "node_modules", "package.json", "plugins"]);
  const packages = await readdir(join(image.root, "opt/zmqecho/node_modules"));
  expect(packages.filter((name) => /^(typescript|@typescript|vitest|@biomejs|playwright-core)$/.test(name))).toEqual(
    [],
  );
});

async function withPlugin(name: string, content: string): Promise<void> {
  const plugins = join(image.root, "etc/zmqecho/plugins");
  await mkdir(plugins, { recursive: true });
  await writeFile(join(plugins, name), content);
}

function send(port: number, handler: string, body: string) {
  const [program = "", bin = ""] = here(image.entrypoint, port);
  const address = `tcp://127.0.0.1:${port}`;
  return promisify(execFile)(program, [
    bin,
    "send",
    address,
    "--handler",
    handler,
    "--codec",
    "json",
    body,
    "-o",
    "value",
  ]);
}

test("a plugin in TypeScript runs in it", async () => {
  await withPlugin("twice.ts", "export default (input: unknown): number => 2 * Number(input);\n");
  const port = await freePort();
  await started(port);
  expect((await send(port, "twice", "21")).stdout).toBe("42\n");
});

test("it is unhealthy while a handler holds its thread", async () => {
  await withPlugin("spin.mjs", "export default () => { for (;;); };\n");
  const port = await freePort();
  await started(port);
  const lost = send(port, "spin", "0").catch((error: unknown) => error);
  await expect
    .poll(
      () =>
        health(port).then(
          () => 0,
          ({ code }) => code,
        ),
      { timeout: 20_000 },
    )
    .toBe(68);
  expect(await lost).toMatchObject({ code: 68 });
});
