/** The table of layers, and the check of one import against it. */

/** What each layer may import beside itself. A file's path tells its layer: the folder in `lib/`, or the file there. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  runtime: ["base"],
  codec: ["base", "runtime"],
  wire: ["base", "runtime"],
  data: ["base"],
  translate: ["base", "runtime", "codec", "wire", "data"],
  aws: ["base", "runtime", "codec", "wire"],
  config: ["base", "runtime", "codec", "wire", "data"],
  // The built-in Bedrock knows nothing of the gateway in front of it.
  emulator: ["base", "runtime", "codec", "wire", "aws"],
  routing: ["base", "runtime", "codec", "wire", "data", "translate", "aws", "config"],
  callers: ["base", "runtime", "codec", "wire", "data", "translate", "aws", "config"],
  // It moves Bedrock's frames and does not know which client waits, so it never translates.
  upstream: ["base", "runtime", "codec", "wire", "data", "aws", "config", "routing", "callers"],
  http: [
    ...["base", "runtime", "codec", "wire", "data", "translate", "aws", "config", "routing", "callers"],
    "upstream",
  ],
  admin: [
    ...["base", "runtime", "codec", "wire", "data", "translate", "aws", "config", "routing", "callers"],
    "upstream",
  ],
  app: [
    ...["base", "runtime", "codec", "wire", "data", "translate", "aws", "config", "routing", "callers"],
    ...["upstream", "http", "admin", "emulator"],
  ],
  cli: [
    ...["base", "runtime", "codec", "wire", "data", "translate", "aws", "config", "routing", "callers"],
    ...["upstream", "http", "admin", "emulator", "app"],
  ],
  main: ["base", "runtime", "cli"],
};

/** Only `main.ts` chooses a runtime; everything else knows the interface. */
const RUNTIMES = ["lib/runtime/bun.ts", "lib/runtime/deno.ts"];

/** Holds the version, which is embedded in the program. */
const MANIFEST = "deno.json";

/** Layer of a file, such as `http` for `lib/http/body.ts`; undefined outside the program. */
export function layerOf(path: string): string | undefined {
  if (path === "main.ts") return "main";
  return /^lib\/([^/]+?)(?:\/|\.ts$)/.exec(path)?.[1];
}

/** Why the file may not import the other, or undefined if it may. */
export function refusalOf(importer: string, imported: string): string | undefined {
  if (imported === MANIFEST) return undefined;
  const from = layerOf(importer);
  const to = layerOf(imported);
  if (from === undefined) return undefined;
  if (to === undefined) return `${importer} imports ${imported}, which is no part of the program`;
  if (RUNTIMES.includes(imported) && from !== "main") {
    return `${importer} imports ${imported}: main.ts chooses`;
  }
  if (from === to || LAYERS[from]?.includes(to) === true) return undefined;
  return `${importer} imports ${imported}: "${from}" is not above "${to}"`;
}

/** A cycle among the imports as a list of paths that ends where it began, or undefined. */
export function findCycle(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): readonly string[] | undefined => {
    if (done.has(path)) return undefined;
    const start = trail.indexOf(path);
    if (start >= 0) return [...trail.slice(start), path];
    trail.push(path);
    for (const next of imports.get(path) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    done.add(path);
    return undefined;
  };
  for (const path of imports.keys()) {
    const cycle = visit(path);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
