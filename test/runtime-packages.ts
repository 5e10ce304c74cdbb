/** What a lock file says `npm install zmqecho` brings: the dependencies, and theirs, on any platform. */

export interface Lockfile {
  readonly packages: Readonly<Record<string, Locked>>;
}

export interface Locked {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface RuntimePackage {
  readonly name: string;
  readonly facts: Locked;
}

/** All but zmqecho itself, in the order of the lock file. Throws if the lock file lacks one. */
export function runtimePackages({ packages }: Lockfile): RuntimePackage[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    for (const name of wantedBy(packages[path] ?? {})) {
      const place = placeOf(packages, path, name);
      if (found.has(place)) continue;
      found.add(place);
      visit(place);
    }
  };
  visit("");
  return Object.entries(packages)
    .filter(([path]) => found.has(path))
    .map(([path, facts]) => ({ name: path.replace(/^.*node_modules\//, ""), facts }));
}

/** Peers that may be absent are not installed for their own sake. */
function wantedBy({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }: Locked): string[] {
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => peerDependenciesMeta?.[name]?.optional !== true);
  return [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {}), ...peers];
}

/** Where Node would find it from there: the nearest node_modules, upwards. */
function placeOf(packages: Lockfile["packages"], from: string, name: string): string {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
    const place = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (Object.hasOwn(packages, place)) return place;
    if (folder === "") throw new Error(`${from} wants ${name}, which the lock file has not`);
  }
}
