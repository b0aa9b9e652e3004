/** The table of layers, and the check of one import against it. */

/**
 * What each layer imports besides itself, no more and no less. A file's path names its layer: the folder in `lib/`, or
 * the file there.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  runtime: ["base"],
  codec: ["base"],
  wire: ["base"],
  facts: ["base"],
  snapshot: ["base", "facts"],
  store: [],
  translate: ["base", "codec", "facts", "snapshot", "wire"],
  aws: ["base", "runtime"],
  config: ["base", "facts", "snapshot"],
  callers: ["aws", "base", "snapshot"],
  // It moves Bedrock's frames and does not know which client waits, so it never translates.
  providers: ["aws", "base", "codec", "facts", "runtime", "snapshot", "wire"],
  // The thread that writes the usage ledger, and what asks it.
  ledger: ["base", "facts", "runtime", "snapshot"],
  // The addresses to listen on are the configuration's.
  server: ["base", "runtime", "snapshot"],
  gateway: [
    "aws",
    "base",
    "callers",
    "codec",
    "facts",
    "providers",
    "runtime",
    "server",
    "snapshot",
    "store",
    "wire",
  ],
  endpoints: [
    "aws",
    "base",
    "codec",
    "facts",
    "gateway",
    "providers",
    "server",
    "snapshot",
    "translate",
    "wire",
  ],
  telemetry: ["base", "facts", "runtime", "snapshot"],
  admin: ["base", "config", "facts", "ledger", "runtime", "snapshot", "telemetry"],
  // The built-in Bedrock knows nothing of the gateway in front of it.
  emulator: ["aws", "base", "codec", "runtime"],
  // The router with all endpoints is given to the pipeline here.
  app: [
    ...[
      "admin",
      "base",
      "config",
      "emulator",
      "endpoints",
      "facts",
      "gateway",
      "ledger",
      "providers",
      "runtime",
    ],
    ...["server", "snapshot", "store", "telemetry"],
  ],
  cli: [
    "admin",
    ...[
      "app",
      "aws",
      "base",
      "callers",
      "config",
      "emulator",
      "endpoints",
      "facts",
      "gateway",
      "ledger",
      "providers",
      "runtime",
    ],
    "snapshot",
    "store",
  ],
  main: ["cli", "runtime"],
};

/** Rooms of one layer that share a half: each may import itself, the shared half and the layer's top, not its neighbors. */
export const ROOMS: Readonly<Record<string, { readonly shared: string }>> = {
  translate: { shared: "converse" },
};

/** Layers whose rooms use the same verbs, so that the folder distinguishes equal basenames. */
export const SHARED_VERBS: ReadonlySet<string> = new Set([
  "translate",
  "wire",
  "providers",
  "emulator",
  "endpoints",
]);

/** Entry points choose a runtime: of the program, and of its threads that serve. Everything else knows the interface. */
const CHOOSERS: readonly string[] = ["main.ts", "lib/app/threads/traffic_worker.ts"];

const RUNTIMES = ["lib/runtime/bun.ts", "lib/runtime/deno.ts"];

/** Holds the version, which is embedded in the program. */
const MANIFEST = "deno.json";

/** Layer of a file, such as `server` for `lib/server/body.ts`; undefined outside the program. */
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
  if (RUNTIMES.includes(imported) && !CHOOSERS.includes(importer)) {
    return `${importer} imports ${imported}: main.ts chooses`;
  }
  if (from === to) return roomRefusalOf(importer, imported);
  if (LAYERS[from]?.includes(to) === true) return undefined;
  return `${importer} imports ${imported}: "${from}" is not above "${to}"`;
}

/** Room of a file inside its layer, such as `chat` for `lib/translate/chat/request.ts`. */
function roomOf(path: string): string | undefined {
  return /^lib\/[^/]+\/([^/]+)\//.exec(path)?.[1];
}

function roomRefusalOf(importer: string, imported: string): string | undefined {
  const shared = ROOMS[layerOf(importer) ?? ""]?.shared;
  const from = roomOf(importer);
  const to = roomOf(imported);
  if (shared === undefined || from === undefined || to === undefined) return undefined;
  if (from === to || to === shared) return undefined;
  return `${importer} imports ${imported}: rooms share only "${shared}"`;
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
