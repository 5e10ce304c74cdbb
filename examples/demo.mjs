/**
 * `npm run demo`: serves this checkout's own configuration, sends Hello world! through every codec with the command line,
 * prints what left and what came back, and stops. Ends with 0, or with 1 and a line that says what went wrong.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const config = fileURLToPath(new URL("../config/zmqecho.config.json", import.meta.url));

/** Raw goes to the plain endpoint; the gateway takes a codec with each call. */
const WAYS = [
  { codec: "raw", shown: "Hello world!", args: ["--endpoint", "echo"] },
  ...["json", "cbor", "msgpack", "protobuf"].map((codec) => ({
    codec,
    shown: '"Hello world!"',
    args: ["--endpoint", "gateway", "--handler", "echo", "--codec", codec],
  })),
];
const ENDPOINTS = 2;
const PATIENCE_MS = 20_000;

function zmqecho(...args) {
  const env = { ...process.env, ZMQECHO_LOG_LEVEL: "info", ZMQECHO_LOG_FORMAT: "json" };
  const child = spawn(process.execPath, [bin, ...args, "--config", config], { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => {
      output[stream] += text;
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ...output, code: code ?? signal }));
  });
  return { child, ended };
}

/** Resolves once the host listens at all of its addresses. */
async function listening({ child, ended }) {
  let missing = ENDPOINTS;
  const lines = createInterface({ input: child.stderr });
  const ready = new Promise((resolve) => {
    lines.on("line", (line) => {
      const address = /"msg":"listening on ([^"]+)"/.exec(line)?.[1];
      if (address === undefined) return;
      console.log(`zmqecho serve: listening on ${address}`);
      if (--missing === 0) resolve();
    });
  });
  const failed = ended.then(({ stderr }) => {
    const reasons = [...stderr.matchAll(/^zmqecho: (.*)$/gm)].map(([, reason]) =>
      reason.replace(/another socket has this address;.*/, "stop what listens there, the demo needs that port"),
    );
    throw new Error(`the host did not start: ${reasons.join("; ") || stderr}`);
  });
  await Promise.race([ready, failed, late("the host to listen")]);
}

function late(what) {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`waited ${PATIENCE_MS / 1000} s in vain for ${what}`)), PATIENCE_MS).unref();
  });
}

async function demo() {
  if (!existsSync(bin)) throw new Error(`${bin} is not there; run npm ci first, which builds it`);
  const host = zmqecho("serve");
  try {
    await listening(host);
    for (const { codec, shown, args } of WAYS) {
      const { code, stdout, stderr } = await zmqecho("send", ...args).ended;
      console.log(`\n${codec}\n${stdout.trimEnd()}`);
      if (code !== 0) throw new Error(`send through ${codec} ended with ${code}: ${stderr.trim()}`);
      if (stdout !== `-> ${shown}\n<- ${shown}\n`) throw new Error(`${codec} did not bring back what was sent`);
    }
    host.child.kill("SIGTERM");
    const { code, stderr } = await Promise.race([host.ended, late("the host to stop")]);
    if (code !== 0) throw new Error(`the host ended with ${code}: ${stderr.trim()}`);
  } finally {
    host.child.kill("SIGKILL");
  }
  console.log("\nAll five codecs brought it back. Next: npx zmqecho serve, and npx zmqecho send in another terminal.");
}

try {
  await demo();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}
