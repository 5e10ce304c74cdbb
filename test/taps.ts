/** `zmqecho tap` as a child process. */
import { ANY_PORT } from "./hosts.ts";
import { type Finished, type RunOptions, start } from "./processes.ts";

export interface Tap {
  readonly address: string;
  readonly pid: number;
  readonly child: ReturnType<typeof start>["child"];
  /** Resolves when the text has been written on stderr. */
  said(text: string): Promise<void>;
  /** Resolves when it has been written on stdout. */
  shown(text: string): Promise<void>;
  stop(): Promise<Finished>;
  readonly finished: Promise<Finished>;
}

/** A running tap; it is killed when the test is over. */
export async function tap(
  target: string,
  args: readonly string[] = [],
  options: RunOptions = {},
  listen = ANY_PORT,
): Promise<Tap> {
  const { child, finished, output } = start(["tap", listen, target, ...args], options);
  const seen = (stream: NodeJS.ReadableStream, look: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => look() && resolve();
      stream.on("data", check);
      check();
    });
  const address = () => /listening on (\S+),/.exec(output.stderr())?.[1];
  const early = finished.then(({ code, stderr }) => Promise.reject(new Error(`tap ended with ${code}: ${stderr}`)));
  early.catch(() => undefined);
  await Promise.race([seen(child.stderr, () => address() !== undefined), early]);
  return {
    address: address() ?? "",
    pid: child.pid ?? 0,
    child,
    said: (text) => seen(child.stderr, () => output.stderr().includes(text)),
    shown: (text) => seen(child.stdout, () => output.stdout().includes(text)),
    stop() {
      child.kill("SIGTERM");
      return finished;
    },
    finished,
  };
}
