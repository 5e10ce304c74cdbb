/**
 * Does what a page shows, as it is written: files are put where their first line says, commands run in a shell, and what
 * they print is what is shown. Different are only the ports (free ones), `npx` (left out: the command is on the PATH), the
 * times in logs, request ids, latencies and the folder.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { createFolder, writeFiles } from "../loader/folder.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** A file to write, or commands to run with what each should print. */
type Step = { readonly file: string; readonly content: string } | { readonly commands: readonly Shown[] };
interface Shown {
  readonly command: string;
  readonly output: string;
}

function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, language = "", block = ""]): Step[] => {
    if (language === "console") return [{ commands: shownIn(block) }];
    const [, file] = /^\/\/ (\S+)\n/.exec(block) ?? [];
    return file === undefined ? [] : [{ file, content: block }];
  });
}

function shownIn(block: string): Shown[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((entry) => {
      const [command = "", ...output] = entry.trimEnd().split("\n");
      return { command: command.replaceAll("npx zmqecho", "zmqecho"), output: output.join("\n") };
    });
}

/** Without what is different each time. */
function lasting(output: string): string {
  return output
    .replace(/^\d\d:\d\d:\d\d\.\d{3} /gm, "")
    .replace(/^\/\S*\/(?=zmqecho\.config\.json)/gm, "")
    .replace(/"requestId":"[\w-]+"/g, '"requestId":"…"')
    .replace(/"latencyMs":[\d.]+/g, '"latencyMs":…')
    .trimEnd();
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** A folder as after `npm install` of the checkout, and the environment of somebody who works in it. */
async function workplace(): Promise<{ folder: string; env: NodeJS.ProcessEnv }> {
  const folder = await createFolder({ "package.json": "{}", "node_modules/zmqecho": { link: checkout } });
  const bin = join(checkout, "dist/bin.js");
  await chmod(bin, 0o755);
  await writeFiles(folder, { "node_modules/.bin/.keep": "" });
  await symlink(bin, join(folder, "node_modules/.bin/zmqecho"));
  const path = [join(folder, "node_modules/.bin"), dirname(process.execPath), process.env.PATH].join(delimiter);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ZMQECHO_"));
  return { folder, env: { ...Object.fromEntries(inherited), PATH: path, ZMQECHO_LOG_FORMAT: "pretty" } };
}

/** Follows a page from top to bottom in a folder of its own. Returns how many commands it ran. */
export async function followPage(markdown: string): Promise<number> {
  const named = [...new Set([...markdown.matchAll(/:(259\d\d)\b/g)].map(([, port = ""]) => port))];
  const ports = await freePorts(named.length);
  const ported = named.reduce((words, port, index) => words.replaceAll(port, String(ports[index])), markdown);
  const { folder, env } = await workplace();
  let server: ChildProcess | undefined;
  onTestFinished(() => void server?.kill("SIGKILL"));

  async function stopServer(): Promise<void> {
    if (server === undefined) return;
    const ended = once(server, "exit");
    server.kill("SIGINT");
    server = undefined;
    expect((await ended)[0], "the exit code of a server that was interrupted").toBe(0);
  }

  async function startServer({ command, output }: Shown): Promise<void> {
    await stopServer();
    server = spawn("sh", ["-c", `exec ${command}`], { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
    const shown = lasting(output);
    const lines = shown.split("\n").length;
    let log = "";
    for await (const chunk of server.stderr?.iterator({ destroyOnReturn: false }) ?? []) {
      log += chunk;
      if (log.split("\n").length > lines) break;
    }
    server.stderr?.resume();
    expect(lasting(log), command).toBe(shown);
  }

  async function run({ command, output }: Shown): Promise<void> {
    const shell = spawn("sh", ["-c", `{ ${command}; } 2>&1`], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(lasting(await text(shell.stdout)), command).toBe(lasting(output));
  }

  let commands = 0;
  for (const step of stepsOf(ported)) {
    if ("file" in step) {
      await writeFiles(folder, { [step.file]: step.content });
      continue;
    }
    for (const shown of step.commands) {
      await (shown.command.startsWith("zmqecho serve") ? startServer(shown) : run(shown));
      commands++;
    }
  }
  await stopServer();
  return commands;
}
