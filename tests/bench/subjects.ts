/** The subjects: Adit on both runtimes, the references, and other gateways, all in front of one upstream. */

import { dirname } from "node:path";
import { endpointConfig, KEY } from "../e2e/configs.ts";
import { builtAdit, BUN, freePort, repositoryPath } from "../repository.ts";
import type { Ask, Setting } from "./cells.ts";
import { parsePeers, type Peer, peerBody, peerPath, placed } from "./peers.ts";
import { installPortkey } from "./portkey.ts";
import { isOnPath, type Place, Service } from "./processes.ts";
import { modelOf, type Pace } from "./requests.ts";

export interface Subject {
  readonly name: string;
  /** The bare pipe on the same runtime, with which it is compared. */
  readonly reference?: string;
  /** Undefined for the upstream itself. */
  readonly service: Service | undefined;
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Path of its endpoint for a request; undefined if it does not support such requests. */
  path(ask: Ask, pace: Pace): string | undefined;
  /** The body of a request in its own form; default: the cell's body. */
  body?(body: string, pace: Pace): string;
  stop(): Promise<void>;
}

const JSON_HEADERS = { "content-type": "application/json" };
const PIPE_ON_BUN = "bare pipe on Bun";
const PIPE_ON_DENO = "bare pipe on Deno";

/** Bedrock's own operations, for the upstream and for subjects that pass requests on unchanged. */
const BEDROCK_OPERATIONS: Readonly<Record<Ask, string>> = {
  "chat": "converse",
  "chat stream": "converse-stream",
  "messages stream": "invoke-with-response-stream",
  "native stream": "converse-stream",
};

function bedrockPath(ask: Ask, pace: Pace): string {
  return `/model/${modelOf(pace)}/${BEDROCK_OPERATIONS[ask]}`;
}

/** The paths of gateways that only support Chat Completions. */
const CHAT_PATHS: Readonly<Partial<Record<Ask, string>>> = {
  "chat": "/v1/chat/completions",
  "chat stream": "/v1/chat/completions",
};

function aditPath(ask: Ask, pace: Pace): string {
  if (ask === "native stream") return bedrockPath(ask, pace);
  return CHAT_PATHS[ask] ?? "/v1/messages";
}

/** Starts all subjects of a setting; programs that are not installed are left out. */
export async function startSubjects(
  upstream: string,
  setting: Setting = "one core",
): Promise<readonly Subject[]> {
  switch (setting) {
    case "one core":
      return await startAll(upstream);
    case "all cores":
      return [
        ...await startBoth(upstream, { place: "anywhere", threads: "auto" }),
        ...await startPeers(upstream, "anywhere"),
      ];
    case "ledger and limits":
      return await startBoth(upstream, { place: "measured", keepsLedger: true });
  }
}

async function startAll(upstream: string): Promise<readonly Subject[]> {
  const upstreamItself: Subject = {
    name: "upstream itself",
    service: undefined,
    url: upstream,
    headers: JSON_HEADERS,
    path: bedrockPath,
    stop: () => Promise.resolve(),
  };
  return [
    upstreamItself,
    ...(await isOnPath("nginx") ? [await startNginx(upstream)] : []),
    await startPipe(PIPE_ON_BUN, [BUN], upstream),
    await startAdit("Adit on Bun", [await builtAdit()], { upstream, reference: PIPE_ON_BUN }),
    await startPipe(PIPE_ON_DENO, [Deno.execPath(), "run", "-A"], upstream),
    await startAdit("Adit on Deno", await denoAdit(), { upstream, reference: PIPE_ON_DENO }),
    await startPortkey(upstream),
    ...await startPeers(upstream, "measured"),
  ];
}

interface BothOptions extends Pick<AditSettings, "threads"> {
  readonly place: Place;
  readonly keepsLedger?: boolean;
}

/** Adit on both runtimes, without its references. */
async function startBoth(
  upstream: string,
  { keepsLedger = false, ...options }: BothOptions,
): Promise<readonly Subject[]> {
  const makeFolder = () => Deno.makeTempDir({ prefix: "adit-bench-state-" });
  const [onBun, onDeno] = keepsLedger ? [await makeFolder(), await makeFolder()] : [];
  return [
    await startAdit("Adit on Bun", [await builtAdit()], { upstream, ...options, state: onBun }),
    await startAdit("Adit on Deno", await denoAdit(onDeno), { upstream, ...options, state: onDeno }),
  ];
}

async function startPeers(upstream: string, place: Place): Promise<readonly Subject[]> {
  const peers = parsePeers(Deno.env.get("ADIT_BENCH_PEERS") ?? "[]");
  return await Promise.all(peers.map((peer) => startPeer(peer, upstream, place)));
}

async function startPipe(name: string, runtime: readonly string[], upstream: string): Promise<Subject> {
  const service = new Service([...runtime, repositoryPath("tests/bench/pipe.ts"), upstream], {
    place: "measured",
    // By default, Bun sends only 256 requests at once.
    env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
    // Deno reports each request that the load generator aborts.
    stderr: "null",
  });
  const url = `http://127.0.0.1:${(await service.output()).trim()}`;
  return { name, service, url, headers: JSON_HEADERS, path: bedrockPath, stop: () => service.stop() };
}

/** Settings of Adit that differ between the cells. */
export interface AditSettings {
  /** Default: one, because a measured program has one core. */
  readonly threads?: "auto";
  /** Folder of the ledger. With it, three rate limits apply to every request, and no request exceeds them. */
  readonly state?: string | undefined;
}

const LIMITED = "team: bench, limits: { requests: 900M/m, tokens: 900M/s, concurrent: 10000 }";
const RATE_LIMITS = `rate_limits:
  team: { each: team, tokens: 900M/s }
  model: { each: model, requests: 900M/m }
`;

/** The configuration of a gateway in front of the upstream. */
export function aditConfig(upstream: string, listen: string, { threads, state }: AditSettings = {}): string {
  const paces: readonly Pace[] = ["even", "burst", "paced"];
  const models = paces.map((pace) =>
    `  ${modelOf(pace)}: { provider: east, id: ${
      modelOf(pace)
    }, base_model: anthropic.claude-haiku-4-5-20251001-v1:0 }`
  );
  const extra = [
    `threads: ${threads ?? 1}`,
    ...(state === undefined ? [] : [`state: { path: ${JSON.stringify(state)} }`]),
  ];
  const config = endpointConfig(upstream).replace("\nmodels:\n", `\nmodels:\n${models.join("\n")}\n`);
  const limited = state === undefined
    ? config
    : config.replace("native: [us-east-1] }", `native: [us-east-1], ${LIMITED} }`) + RATE_LIMITS;
  return [`listen: ${listen}`, "admin: off", ...extra, limited].join("\n");
}

/**
 * Adit's command line on Deno: the task `start`, with permission to write to the folder of the ledger if there is one.
 */
export async function denoAdit(state?: string): Promise<readonly string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(repositoryPath("deno.json")));
  const [, run = "", ...options] = String(tasks.start).split(" ");
  return [Deno.execPath(), run, ...(state === undefined ? [] : [`--allow-write=${state}`]), ...options];
}

interface AditOptions extends AditSettings {
  readonly upstream: string;
  readonly reference?: string;
  readonly place?: Place;
}

async function startAdit(
  name: string,
  command: readonly string[],
  { upstream, reference, place = "measured", ...settings }: AditOptions,
): Promise<Subject> {
  const listen = `127.0.0.1:${freePort()}`;
  const config = await Deno.makeTempFile({ prefix: "adit-bench-", suffix: ".yaml" });
  await Deno.writeTextFile(config, aditConfig(upstream, listen, settings));
  const service = new Service([...command, "serve", "--config", config], {
    place,
    stdout: "null",
  });
  const url = `http://${listen}`;
  await answering(`${url}/healthz`);
  return {
    name,
    ...(reference !== undefined && { reference }),
    service,
    url,
    headers: { ...JSON_HEADERS, authorization: `Bearer ${KEY}` },
    path: aditPath,
    async stop() {
      await service.stop();
      await Deno.remove(config);
      if (settings.state !== undefined) await Deno.remove(settings.state, { recursive: true });
    },
  };
}

/** Without a log and without buffering of streams, which makes it the fastest reference. */
function nginxConfig(upstream: string, port: number): string {
  return `daemon off; master_process off; error_log stderr crit; pid nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  client_max_body_size 32m; client_body_buffer_size 2m; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000000;
  upstream bedrock { server ${new URL(upstream).host}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://bedrock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`;
}

async function startNginx(upstream: string): Promise<Subject> {
  const port = freePort();
  const folder = await Deno.makeTempDir({ prefix: "adit-bench-nginx-" });
  await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfig(upstream, port));
  const service = new Service(["nginx", "-p", folder, "-c", `${folder}/nginx.conf`], { place: "measured" });
  const url = `http://127.0.0.1:${port}`;
  await answering(`${url}/model/probe/converse`);
  return {
    name: "nginx",
    service,
    url,
    headers: JSON_HEADERS,
    path: bedrockPath,
    async stop() {
      await service.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Configured for Bedrock: it signs, translates, and reads the event stream, as Adit does. */
async function startPortkey(upstream: string): Promise<Subject> {
  const program = await installPortkey();
  const port = freePort();
  const service = new Service(["node", program, `--port=${port}`, "--headless"], {
    place: "measured",
    env: { NODE_ENV: "production" },
    cwd: dirname(program),
    stdout: "null",
    // Its request log fails on every stream, with long messages.
    stderr: "null",
  });
  const url = `http://127.0.0.1:${port}`;
  await answering(url);
  const headers = {
    ...JSON_HEADERS,
    "x-portkey-provider": "bedrock",
    "x-portkey-custom-host": upstream,
    "x-portkey-aws-access-key-id": "AKIDEXAMPLE",
    "x-portkey-aws-secret-access-key": "secret",
    "x-portkey-aws-region": "us-east-1",
  };
  return {
    name: "Portkey on Node",
    service,
    url,
    headers,
    path: (ask) => CHAT_PATHS[ask],
    stop: () => service.stop(),
  };
}

async function startPeer(peer: Peer, upstream: string, place: Place): Promise<Subject> {
  const { name, command, env, headers } = peer;
  const at = { upstream, port: freePort() };
  const url = placed(peer.url, at);
  const service = new Service(command.map((word) => placed(word, at)), {
    place,
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, placed(value, at)])),
    stdout: "null",
  });
  await answering(url);
  return {
    name,
    service,
    url,
    headers: { ...JSON_HEADERS, ...headers },
    path: (ask) => peerPath(peer, ask),
    body: (body, pace) => peerBody(peer, body, pace),
    stop: () => service.stop(),
  };
}

const START_MS = 20_000;

/** Resolves when a server responds there, whatever the status. */
async function answering(url: string): Promise<void> {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline;) {
    try {
      await (await fetch(url, { method: "HEAD" })).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`Cannot benchmark: nothing answers at ${url}`);
}
