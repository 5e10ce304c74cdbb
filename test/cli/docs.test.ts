import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { program } from "../../src/cli/program.ts";
import { exitCodeOf, isErrorCode } from "../../src/errors.ts";

const text = await readFile(new URL("../../docs/cli.md", import.meta.url), "utf8");
const [top = "", ...rest] = text.split(/^## /m);
const sections = new Map(rest.map((section) => [section.slice(0, section.indexOf("\n")), section]));

/** The flags in the first column of its tables, as commander writes them. */
function flagsIn(section: string): string[] {
  return [...section.matchAll(/^\| `(-[^`]+)` \|/gm)].map(([, flags = ""]) => flags.replace("\\|", "|"));
}

test("every command has its section, and every section its command", () => {
  const commands = program().commands.map((command) => command.name());
  expect([...sections.keys()]).toEqual(["Exit codes", ...commands]);
  expect([...top.matchAll(/^\| \[`(\w+)`\]/gm)].map(([, name]) => name)).toEqual(commands);
});

test.each(program().commands.map((command) => [command.name(), command] as const))(
  "the page has the usage and the flags of %s, all of them and no others",
  (name, command) => {
    const section = sections.get(name) ?? "";
    expect(section).toContain(`\`\`\`text\nzmqecho ${name} ${command.usage()}\n\`\`\``);
    expect(flagsIn(section)).toEqual(command.options.map(({ flags }) => flags));
  },
);

test("the page has the forms of output that there are, and the flags of no command", () => {
  const choices = (name: string) =>
    program()
      .commands.find((command) => command.name() === name)
      ?.options.find(({ long }) => long === "--output")?.argChoices;
  const forms = [...(sections.get("send") ?? "").matchAll(/^\| `(\w+)` \|/gm)].map(([, form]) => form);
  expect(forms).toEqual(choices("send"));
  expect(sections.get("config")).toContain(
    `how to print it: ${choices("config")
      ?.map((form) => `\`${form}\``)
      .join(" or ")};`,
  );
  expect(flagsIn(top)).toEqual(program().options.map(({ flags }) => flags));
});

test("the exit codes on the page are those of the table", () => {
  const shown = [...(sections.get("Exit codes") ?? "").matchAll(/(\d+) `([a-z_]+)`/g)];
  expect(shown.length).toBeGreaterThan(5);
  for (const [, number, code] of shown) {
    expect(isErrorCode(code) && exitCodeOf(code)).toBe(Number(number));
  }
});
