#!/usr/bin/env node
try {
  const { main } = await import("./cli/main.ts");
  await main(process.argv.slice(2));
} catch (error) {
  // A limit of files that is too low for our own modules; all else that goes wrong is main's.
  if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
  process.stderr.write("zmqecho: too many open files; raise the limit of this process (ulimit -n)\n");
  process.exitCode = 1;
}
