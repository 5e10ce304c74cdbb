import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { COMPLETE, SHELLS } from "../../src/cli/completion-scripts.ts";
import { NAMED } from "../../src/cli/names.ts";
import { program } from "../../src/cli/program.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { folderWith } from "../config/folder.ts";
import { type RunOptions, run } from "../processes.ts";

const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));
const commands = program().commands;

/** The candidates for the last of the words, as a script gets them. */
async function candidates(words: readonly string[], options: RunOptions = {}): Promise<string[]> {
  const { code, stdout, stderr } = await run([COMPLETE, ...words], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

function flagsOf(name: string): string[] {
  const options = commands.find((command) => command.name() === name)?.options ?? [];
  return [...options.map(({ long }) => long ?? ""), "--help"];
}

describe("completes", () => {
  test("the commands, all that there are", async () => {
    expect(await candidates([""])).toEqual([...commands.map((command) => command.name()), "help"]);
    expect(await candidates(["be"])).toEqual(["bench"]);
    expect(await candidates(["help", "pi"])).toEqual(["ping"]);
  });

  test("the flags of the program", async () => {
    expect(await candidates(["-"])).toEqual(["--version", "--help"]);
  });

  test.each(commands.map((command) => command.name()))("the flags of %s, all that there are", async (name) => {
    expect(await candidates([name, "-"])).toEqual(flagsOf(name));
  });

  test("flags behind words and other flags with their values", async () => {
    const words = ["send", "-c", "--count", "tcp://robot:5555", "-qv", "-ojson", "--timeout=5", "body"];
    expect(await candidates([...words, "--in"])).toEqual(["--in-flight", "--interval"]);
  });

  test("flags at once where no word is left to give", async () => {
    expect(await candidates(["check", ""])).toEqual(["--config", "--help"]);
  });

  test("what a flag chooses from, whether or not an equals sign is before it", async () => {
    const forms = ["pretty", "value", "raw", "hex", "json"];
    expect(await candidates(["send", "-o", ""])).toEqual(forms);
    expect(await candidates(["send", "--output", "r"])).toEqual(["raw"]);
    expect(await candidates(["send", "--output=r"])).toEqual(["--output=raw"]);
    // As bash has it.
    expect(await candidates(["send", "--output", "="])).toEqual(forms);
    expect(await candidates(["send", "--output", "=", "r"])).toEqual(["raw"]);
  });

  test("what an argument chooses from", async () => {
    expect(await candidates(["completion", ""])).toEqual([...SHELLS]);
  });

  test("nothing where anything may stand", async () => {
    for (const words of [
      ["nobody", ""],
      ["send", ""],
      ["send", "-t", ""],
      ["send", "--", "-"],
      ["send", "--nobody=x"],
    ])
      expect(await candidates(words)).toEqual([]);
  });
});

describe("names", () => {
  const CONFIG = JSON.stringify({
    codecs: { order: "json" },
    handlers: { small: { plugin: "resize" } },
    endpoints: { front: { bind: "tcp://127.0.0.1:1" }, "side.door": { bind: "tcp://127.0.0.1:2" } },
    targets: { far: { connect: "tcp://robot:1" } },
  });
  /** Would be noticed if it were run. */
  const LOUD = 'console.log("run"); console.error("run"); process.exit(3);';
  const FILES = { "zmqecho.config.json": CONFIG, "plugins/resize.mjs": LOUD, "plugins/vat/index.js": LOUD };

  test("of endpoints and targets", async () => {
    const cwd = folderWith(FILES);
    for (const command of ["send", "list", "describe", "ping", "bench"])
      expect(await candidates([command, "--endpoint", ""], { cwd })).toEqual(["front", "side.door", "far"]);
    expect(await candidates(["send", "--endpoint", "f"], { cwd })).toEqual(["front", "far"]);
  });

  test("of codecs", async () => {
    expect(await candidates(["serve", "--codec", ""], { cwd: folderWith(FILES) })).toEqual([
      ...BUILT_IN_CODECS,
      "order",
    ]);
  });

  test("of handlers, without running any plugin", async () => {
    const cwd = folderWith(FILES);
    const all = ["echo", "mock", "resize", "small", "vat"];
    for (const words of [["send", "--handler"], ["describe"], ["serve", "--handler"]])
      expect((await candidates([...words, ""], { cwd })).sort()).toEqual(all);
  });

  test("come from the file of --config or ZMQECHO_CONFIG", async () => {
    const cwd = folderWith({ "other.json": CONFIG });
    for (const words of [["--config", "other.json"], ["--config=other.json"], ["--config", "=", "other.json"]])
      expect(await candidates(["send", ...words, "--endpoint", "fr"], { cwd })).toEqual(["front"]);
    const env = { ZMQECHO_CONFIG: "other.json" };
    expect(await candidates(["send", "--endpoint", "fr"], { cwd, env })).toEqual(["front"]);
  });

  test("come from any kind of file that is no code, and from a folder above", async () => {
    const yaml = "endpoints:\n  front: {}\n";
    for (const [name, text] of [
      [".zmqechorc", yaml],
      [".config/zmqechorc.yaml", yaml],
      ["config/zmqecho.config.json", '// JSON\n{ "endpoints": { "front": {}, }, }'],
      ["package.json", '{ "zmqecho": { "endpoints": { "front": {} } } }'],
    ] as const) {
      const cwd = join(folderWith({ [name]: text, "below/here": "" }), "below");
      expect(await candidates(["send", "--endpoint", ""], { cwd })).toEqual(["front"]);
    }
  });

  test("are those there would be without a configuration, if there is none", async () => {
    expect(await candidates(["send", "--endpoint", ""])).toEqual(["echo"]);
    expect(await candidates(["send", "--handler", ""])).toEqual(["echo", "mock"]);
  });

  test("of a configuration with mistakes in it are there as far as they can be read", async () => {
    const cwd = folderWith({
      "zmqecho.config.json": '{ "endpoints": { "front": 1, "ba\\nd": 1 }, "targets": 7, "plugins": 1 }',
    });
    expect(await candidates(["send", "--endpoint", ""], { cwd })).toEqual(["front"]);
    expect(await candidates(["send", "--handler", ""], { cwd })).toEqual(["echo", "mock"]);
  });

  test.each([
    ["broken", { "zmqecho.config.json": "{ " }],
    ["empty", { "zmqecho.config.json": "" }],
    ["code, which is not run", { "zmqecho.config.js": LOUD, ".config/config.js": LOUD }],
    ["no YAML", { ".zmqechorc": "a: [" }],
  ])("are none if the configuration is %s, and nobody is told", async (_, files) => {
    const cwd = folderWith(files as Record<string, string>);
    expect(await candidates(["send", "--endpoint", ""], { cwd })).toEqual([]);
    expect(await candidates(["send", "--codec", ""], { cwd })).toEqual([...BUILT_IN_CODECS]);
  });

  test("are asked for by flags and arguments that there are", () => {
    const flags = commands.flatMap(({ options }) => options.map(({ long }) => long));
    const words = commands.flatMap(({ registeredArguments }) => registeredArguments.map((argument) => argument.name()));
    expect([...flags, ...words]).toEqual(expect.arrayContaining([...NAMED]));
  });
});

/** Runs a shell with `zmqecho` on its path, in the folder of a configuration. */
function inShell(shell: string, args: readonly string[]): string[] {
  const bin = mkdtempSync(join(tmpdir(), "zmqecho-bin-"));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  writeFileSync(join(bin, "zmqecho"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(join(bin, "zmqecho"), 0o755);
  const { stdout, stderr } = spawnSync(shell, args, {
    cwd: folderWith({ "zmqecho.config.json": '{ "endpoints": { "front": {} } }', "request.bin": "" }),
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, ZMQECHO_CONFIG: "" },
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

const isInstalled = (shell: string) => spawnSync(shell, ["-c", ":"]).error === undefined;

describe("in bash", () => {
  const inBash = (words: string, count: number) =>
    inShell("bash", [
      "--norc",
      "-c",
      `source <(zmqecho completion bash); COMP_WORDS=(${words}); COMP_CWORD=${count}; _zmqecho; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);

  test("the script completes, and from an empty word too", () => {
    expect(inBash("zmqecho be", 1)).toEqual(["bench"]);
    expect(inBash('zmqecho send --endpoint ""', 3)).toEqual(["front"]);
    expect(inBash("zmqecho send --output = js", 4)).toEqual(["json"]);
    expect(inBash("zmqecho send tcp : //robot : 5555 --connec", 7)).toEqual(["--connect"]);
  });

  test("only the words up to the cursor count", () => {
    expect(inBash("zmqecho send --out json", 2)).toEqual(["--output"]);
  });

  test("the script leaves the rest to files", () => {
    const script = "source <(zmqecho completion bash); complete -p zmqecho";
    expect(inShell("bash", ["--norc", "-c", script])).toEqual(["complete -o default -F _zmqecho zmqecho"]);
  });
});

test.skipIf(!isInstalled("zsh"))("in zsh the script hands over values with their meanings", () => {
  // Its completion works on a terminal alone; this is what the script asks of it.
  const stubs = "compdef() {}; _describe() { print -rl -- $candidates }; _files() { print files }";
  const inZsh = (words: string) =>
    inShell("zsh", [
      "-f",
      "-c",
      `${stubs}; source <(zmqecho completion zsh); words=(${words}); CURRENT=$#words; _zmqecho`,
    ]);
  expect(inZsh("zmqecho be")).toEqual(["bench:put a load on a server and measure it"]);
  expect(inZsh("zmqecho send --endpoint ''")).toEqual(["front"]);
  expect(inZsh("zmqecho send --data ''")).toEqual(["files"]);
});

test.skipIf(!isInstalled("fish"))("in fish the script completes", () => {
  const inFish = (line: string) =>
    inShell("fish", ["--no-config", "-c", `zmqecho completion fish | source; complete -C '${line}'`]);
  expect(inFish("zmqecho be")).toEqual(["bench\tput a load on a server and measure it"]);
  expect(inFish("zmqecho send --endpoint ")).toEqual(["front"]);
  expect(inFish("zmqecho send --output=js")).toEqual(["--output=json"]);
});

test("another shell is a matter of usage", async () => {
  expect(await run(["completion", "tcsh"])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("Allowed choices are bash, zsh, fish"),
  });
});
