/** The README: its size, and its tables of endpoints, which list every route there is. */

import assert from "node:assert/strict";
import { OPERATIONS } from "../../lib/providers/bedrock/operations.ts";
import { FIXED } from "../../lib/endpoints/router.ts";
import { CATALOG_PATHS } from "../../lib/endpoints/native/routes.ts";
import { builtAdit } from "../repository.ts";
import { readRepositoryFile } from "../meta/sources.ts";

const MAX_BYTES = 18_000;

const readme = readRepositoryFile("README.md");

/** What takes the place of a name in braces. */
const VALUES: Readonly<Record<string, string>> = { name: "claude-haiku", collection: "models" };

/** The one path that an operator chooses, in the sample configuration. */
const CONFIGURED = { written: "a path in `routes`", path: "/bedrock" };

const [, section = ""] = readme.split(/^## Endpoints$/m);
const [text = ""] = section.split(/^## /m);
const [publicTable = [], adminTable = []] = text.split(/^The admin listener/m).map(endpointsOf);

function endpointsOf(tables: string): readonly { readonly method: string; readonly path: string }[] {
  return [
    ...tables.replace(CONFIGURED.written, `\`${CONFIGURED.path}\``).matchAll(/^\| (`[A-Z].*?) \| (.*?) \|/gm),
  ].flatMap(([, methods = "", paths = ""]) =>
    quoted(methods).flatMap((method) => quoted(paths).map((path) => ({ method, path })))
  );
}

function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

Deno.test(`the README is at most ${MAX_BYTES} bytes long`, () => {
  assert.ok(new TextEncoder().encode(readme).length <= MAX_BYTES);
});

Deno.test("the README lists every route of the gateway", () => {
  const listed = new Set(
    publicTable.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`),
  );
  const routes = [
    ...[...FIXED].map(([path, { method }]) => `${method} ${path}`),
    ...Object.values(OPERATIONS).map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`),
    ...Object.values(CATALOG_PATHS).map((path) => `GET ${path}`),
  ];
  assert.ok(routes.length > 15);
  assert.deepEqual(routes.filter((route) => !listed.has(route)), []);
});

Deno.test("every endpoint that the README lists exists, and accepts the method", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-endpoints-" });
  const config = `${folder}/adit.yaml`;
  const sample = readRepositoryFile("config/adit.yaml").replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
  await Deno.writeTextFile(config, `${sample}\nadmin_api:\n  key: sha256:${"0".repeat(64)}\n`);
  const adit = new Deno.Command(await builtAdit(), {
    args: ["serve", "--config", config],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const [publicUrl = "", adminUrl = ""] = await addressesOf(adit.stdout);
    assert.ok(publicTable.length > 20 && adminTable.length > 8);
    for (const [base, endpoints] of [[publicUrl, publicTable], [adminUrl, adminTable]] as const) {
      for (const { method, path } of endpoints) {
        const url = base + path.replaceAll(/\{(\w+)\}/g, (_, name) => VALUES[name] ?? name);
        const response = await fetch(url, { method });
        await response.body?.cancel();
        assert.ok([200, 401, 403].includes(response.status), `${method} ${path}: ${response.status}`);
        const other = await fetch(url, { method: "OPTIONS" });
        await other.body?.cancel();
        assert.ok([401, 403, 405].includes(other.status), `OPTIONS ${path}: ${other.status}`);
      }
    }
  } finally {
    adit.kill("SIGKILL");
    await adit.status;
    await Deno.remove(folder, { recursive: true });
  }
});

/** The addresses of the public and of the admin listener, from the log. */
async function addressesOf(output: ReadableStream<Uint8Array>): Promise<readonly string[]> {
  let log = "";
  const found = () => [...log.matchAll(/"address":"([^"]+)"/g)].map(([, address = ""]) => address);
  const reader = output.pipeThrough(new TextDecoderStream()).getReader();
  while (found().length < 2) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`adit ended: ${log}`);
    log += value;
  }
  await reader.cancel();
  return found();
}
