/** The commands of who sets up a shell. */
import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "./completion-scripts.ts";
import { command, endWithOutput } from "./options.ts";

export function addShellCommands(root: Command): void {
  command(root, "completion", "print a script that completes commands, flags and names in a shell")
    .usage("[options] SHELL")
    .addHelpText("after", "\nFor bash, in ~/.bashrc: source <(zmqecho completion bash)")
    .addArgument(new Argument("<shell>", "the shell it is for").choices(SHELLS))
    .action((shell: Shell) => {
      endWithOutput();
      process.stdout.write(completionScript(shell));
    });
}
