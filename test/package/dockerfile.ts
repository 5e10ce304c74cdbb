/** Does what a Dockerfile says without Docker: each stage is a folder, what runs in it runs in a shell there. Knows what ours uses, and no more. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

export interface Image {
  /** What is the image's root. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly stopSignal: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

type Building = { -readonly [key in keyof Image]: Image[key] };

/** The last stage. @param context what is sent to the builder @param work an empty folder. Throws for what it does not know, and for what is not there. */
export async function build(dockerfile: string, context: string, work: string): Promise<Image> {
  const stages = new Map<string, Building>();
  const isSent = sentBy(await readFile(join(context, ".dockerignore"), "utf8"));
  let stage: Building | undefined;

  async function copy(words: string[], { root, workdir }: Building): Promise<void> {
    const from = /^--from=(.*)$/.exec(words[0] ?? "")?.[1];
    const [target = "", ...sources] = (from === undefined ? words : words.slice(1)).reverse();
    const place = join(root, target.startsWith("/") ? "" : workdir, target);
    const isFolder = target.endsWith("/");
    for (const source of sources) {
      if (from === undefined && !isSent(source)) throw new Error(`.dockerignore keeps ${source} from the builder`);
      const base = from === undefined ? context : stages.get(from)?.root;
      if (base === undefined) throw new Error(`no stage is called ${from}`);
      const file = join(base, source);
      const goesInto = isFolder && (await stat(file)).isFile();
      await cp(file, goesInto ? join(place, basename(source)) : place, { recursive: true, verbatimSymlinks: true });
    }
  }

  async function follow(instruction: string, rest: string): Promise<void> {
    if (instruction === "ARG") return;
    if (instruction === "FROM") {
      const name = / AS (\S+)$/.exec(rest)?.[1] ?? "";
      const root = join(work, `stage-${stages.size}`);
      await mkdir(root);
      stage = {
        root,
        workdir: "/",
        env: {},
        user: "root",
        stopSignal: "",
        entrypoint: [],
        command: [],
        healthcheck: [],
      };
      stages.set(name, stage);
      return;
    }
    if (stage === undefined) throw new Error(`${instruction} before FROM`);
    const { root } = stage;
    switch (instruction) {
      case "WORKDIR":
        stage.workdir = rest;
        await mkdir(join(root, rest), { recursive: true });
        return;
      case "COPY":
        return copy(rest.split(" "), stage);
      case "RUN":
        await promisify(execFile)("bash", ["-euc", rest], { cwd: join(root, stage.workdir) });
        return;
      case "ENV":
        stage.env = { ...stage.env, ...Object.fromEntries(rest.split(" ").map((pair) => pair.split("="))) };
        return;
      case "USER":
        stage.user = rest;
        return;
      case "STOPSIGNAL":
        stage.stopSignal = rest;
        return;
      case "ENTRYPOINT":
        stage.entrypoint = JSON.parse(rest);
        return;
      case "CMD":
        stage.command = JSON.parse(rest);
        return;
      case "HEALTHCHECK":
        stage.healthcheck = JSON.parse(rest.replace(/^.* CMD /, ""));
        return;
      case "EXPOSE":
        return;
    }
    throw new Error(`what ${instruction} does is not known here`);
  }

  for (const line of dockerfile.split("\n")) {
    const [, instruction = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (instruction !== "") await follow(instruction, rest);
    else if (!/^(#.*)?$/.test(line)) throw new Error(`no instruction: ${line}`);
  }
  const last = [...stages.values()].at(-1);
  if (last === undefined) throw new Error("there is no stage");
  return last;
}

/** For an ignore file that keeps everything but the paths it names. */
function sentBy(text: string): (path: string) => boolean {
  const [first, ...others] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (first !== "*" || others.some((line) => !line.startsWith("!")))
    throw new Error(".dockerignore is to be a list of what is sent");
  const sent = new Set(others.map((line) => line.slice(1)));
  return (path) => sent.has(path);
}
