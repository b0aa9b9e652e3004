/** The admin API in front of real files, for its tests. */

import { deepEqual, ok } from "node:assert/strict";
import { createHash } from "node:crypto";

import { adminApi, type AuditedChange } from "../../lib/admin/api.ts";
import type { JsonObject } from "../../lib/base/json.ts";
import { ConfigEntries } from "../../lib/config/edit/entries.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { formatProblem } from "../../lib/base/problems.ts";

/** The API's own. */
export const KEY = "adit-admin-key";
export const KEY_HASH = createHash("sha256").update(KEY).digest("hex");
/** In every secret below; no answer and no line of the audit may have it. */
export const SECRET = "hunter2";
export const hash = (digit: string) => `sha256:${digit.repeat(64)}`;

/** Of `adit.yaml`, which includes another file. */
export const TEXT = `# Kept, like every comment here.
include: conf.d/*.yaml
providers:
  # the first
  east:
    type: bedrock
    region: us-east-1
    credentials: # of the team
      access_key_id: \${env:AWS_ID:-${SECRET}}
      secret_access_key: ${SECRET}
      session_token: \${env:TOKEN}
models:
  fast: { provider: east, id: amazon.nova-lite-v1:0 } # quick
callers:
  search:
    key: ${hash("a")}
    models: [fast]
    aws: { access_key_id: ADIT${SECRET}AAAAAAAA, secret_access_key: ${SECRET.repeat(6)} }
`;
const INCLUDED = `models:\n  slow: # from elsewhere\n    provider: east\n    id: x\n`;

export interface Sent {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly key?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

/** A folder of files, the API before them, and what came of the requests to it. */
export interface World {
  readonly folder: string;
  readonly audited: AuditedChange[];
  reloads: number;
  /** What the next reload finds wrong. */
  reloadProblems: readonly string[];
  open: boolean;
  send(request: string, sent?: Sent): Promise<Answer>;
  text(name?: string): Promise<string>;
}

const ENV = { TOKEN: `${SECRET}-token` };

/** Runs the test in a world of its own; no answer may show a secret, and the files must be sound at the end. */
export async function withFiles(test: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "adit-admin-" });
  const path = `${folder}/adit.yaml`;
  await Deno.writeTextFile(path, TEXT);
  await Deno.mkdir(`${folder}/conf.d`);
  await Deno.writeTextFile(`${folder}/conf.d/slow.yaml`, INCLUDED);
  const world: World = {
    folder,
    audited: [],
    reloads: 0,
    reloadProblems: [],
    open: true,
    text: (name = "adit.yaml") => Deno.readTextFile(`${folder}/${name}`),
    async send(request, { body, headers = {}, key = KEY } = {}) {
      const [method = "", target = ""] = request.split(" ");
      const answer = await api({
        path: target,
        remote: "127.0.0.1",
        clientGone: new AbortController().signal,
        request: new Request("http://adit.test/", {
          method,
          headers: { ...(key === "" ? {} : { authorization: `Bearer ${key}` }), ...headers },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        }),
      });
      if (answer === undefined) return { status: 0, headers: new Headers(), body: {} };
      const text = await answer.text();
      ok(!text.includes(SECRET), `a secret is shown in ${text}`);
      return {
        status: answer.status,
        headers: answer.headers,
        body: JSON.parse(text.replaceAll(`${folder}/`, "")),
      };
    },
  };
  const api = adminApi({
    entries: new ConfigEntries({ path, readFile, env: ENV }),
    access: () => world.open ? { keyHash: KEY_HASH } : undefined,
    readBody: async (request) => new Uint8Array(await request.arrayBuffer()),
    reload: () => {
      world.reloads++;
      return Promise.resolve(world.reloadProblems);
    },
    // The running configuration does not have the other model.
    apisOf: (model) => model === "fast" ? { chat: ["converse"] } : undefined,
    audit: (change) => world.audited.push(change),
  });
  try {
    await test(world);
    // Whatever the test did, the files are sound afterwards.
    const loaded = await loadConfig(path, { readFile, env: ENV });
    deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
    ok(!JSON.stringify(world.audited).includes(SECRET));
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
    deepEqual(names.filter((name) => name.startsWith(".")), [], "no temporary file is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
