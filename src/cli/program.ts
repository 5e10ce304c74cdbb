/** What commands there are, with their flags; docs/cli.md is tested against it. */
import { Command } from "commander";
import { addClientCommands } from "./client-commands.ts";
import { addHostCommands } from "./host-commands.ts";
import { ownVersion } from "./own-package.ts";
import { addShellCommands } from "./shell-commands.ts";

export function program(): Command {
  const root = new Command("zmqecho")
    .description("curl, mock server and function host for ZeroMQ")
    .version(ownVersion())
    .configureHelp({ sortSubcommands: false, sortOptions: false })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "zmqecho: ")) })
    .showSuggestionAfterError()
    .exitOverride();
  addHostCommands(root);
  addClientCommands(root);
  addShellCommands(root);
  return root;
}
