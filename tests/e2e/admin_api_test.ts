/** The admin API of the running program: the file is changed, and requests see it at once. */

import assert from "node:assert/strict";
import { emulatorConfig, KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, replaceFile, type RuntimeName, startProgram } from "./program.ts";

const ADMIN_KEY = "adit-admin-key-0123456789";

/** The program with the API open, and with the right to write on Deno. */
function startManaged(runtime: RuntimeName, config = emulatorConfig()): Promise<Program> {
  const access = `admin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`;
  return startProgram(runtime, config + access, { denoPermissions: ["--allow-write"] });
}

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Record<string, unknown>;
}

async function send(program: Program, request: string, body?: unknown, headers = {}): Promise<Answer> {
  const [method = "", path = ""] = request.split(" ");
  const answer = await fetch(program.adminUrl + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, etag: answer.headers.get("etag"), body: await answer.json() };
}

/** Status of a chat request. */
async function chat(program: Program, model: string, key = KEY): Promise<number> {
  const answer = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await answer.body?.cancel();
  return answer.status;
}

forEachRuntime(
  "a model that is created serves, a deleted one does not, and both changes are logged",
  async (runtime) => {
    await using program = await startManaged(runtime);
    assert.equal(await chat(program, "new"), 404);
    const entry = { provider: "local", id: "amazon.nova-pro-v1:0" };
    const made = await send(program, "POST /admin/v1/models", { name: "new", entry });
    assert.equal(made.status, 201);
    assert.deepEqual(made.body["apis"], {
      chat: ["converse"],
      responses: ["converse"],
      messages: ["converse"],
      native: ["unchanged"],
    });
    assert.equal(await chat(program, "new"), 200, "it serves as soon as the request is answered");
    assert.match(await Deno.readTextFile(program.configPath), /\n {2}new:\n {4}provider: local\n/);
    const deleted = await send(program, "DELETE /admin/v1/models/new", undefined, {
      "if-match": made.etag ?? "",
    });
    assert.equal(deleted.status, 200);
    assert.equal(await chat(program, "new"), 404);
    await program.waitForLog(({ action }) => action === "delete");
    const audited = program.logs.filter(({ message }) =>
      message === "configuration changed through the admin API"
    );
    assert.deepEqual(
      audited.map(({ action, section, name, remote }) => ({ action, section, name, remote })),
      ["create", "delete"].map((action) => ({ action, section: "models", name: "new", remote: "127.0.0.1" })),
    );
    assert.equal(program.stderr, "");
  },
);

forEachRuntime("the three requests of AISIX's guide create a working caller", async (runtime) => {
  await using program = await startManaged(runtime);
  const key = "team-key-0123456789";
  const secret = JSON.stringify({
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "hunter2",
    region: "us-east-1",
  });
  const provider = await send(program, "POST /admin/v1/provider_keys", {
    display_name: "prod",
    provider: "amazon-bedrock",
    adapter: "bedrock",
    secret,
    // Nothing listens there: the test only checks which host is asked.
    api_base: "http://127.0.0.1:9",
  });
  assert.equal(provider.status, 201);
  const model = await send(program, "POST /admin/v1/models", {
    display_name: "prod-nova",
    provider: "amazon-bedrock",
    model_name: "amazon.nova-lite-v1:0",
    provider_key_id: provider.body["id"],
  });
  assert.equal(model.status, 201);
  const allowed = { key_hash: keyHash(key).replace("sha256:", ""), allowed_models: ["nova", "prod-nova"] };
  assert.equal((await send(program, "POST /admin/v1/apikeys", allowed)).status, 201);
  assert.equal(await chat(program, "nova", key), 200);
  assert.equal(await chat(program, "prod-nova", key), 502);
  assert.equal(await chat(program, "claude", key), 404);
  for (const path of ["provider_keys", "models", "apikeys"]) {
    const { status, body } = await send(program, `GET /admin/v1/${path}`);
    assert.equal(status, 200);
    assert.ok(!JSON.stringify(body).includes("hunter2"));
  }
  assert.ok(!JSON.stringify(program.logs).includes("hunter2"));
});

forEachRuntime(
  "requests without the key, from web pages, too large or invalid change nothing",
  async (runtime) => {
    await using program = await startManaged(runtime);
    const before = await Deno.readTextFile(program.configPath);
    const body = { name: "m", entry: { provider: "local", id: "x" } };
    const cases: readonly (readonly [headers: Record<string, string>, body: unknown, status: number])[] = [
      [{ authorization: "Bearer wrong" }, body, 401],
      [{ origin: "http://evil.test" }, body, 403],
      [{}, "x".repeat(300 * 1024), 413],
      [{}, { ...body, entry: { provider: "nowhere", id: "x" } }, 422],
      [{}, { ...body, name: "nova" }, 409],
    ];
    for (const [headers, sent, status] of cases) {
      assert.equal((await send(program, "POST /admin/v1/models", sent, headers)).status, status);
    }
    assert.equal(await Deno.readTextFile(program.configPath), before);
  },
);

forEachRuntime("a body of more than 256 KiB is a 413, however it is framed", async (runtime) => {
  await using program = await startManaged(runtime);
  const entry = JSON.stringify({ name: "m", entry: { provider: "local", id: "amazon.nova-lite-v1:0" } });
  const statusOf = async (length: number, chunked: boolean) => {
    const text = entry.slice(0, -1) + " ".repeat(length - entry.length) + "}";
    const answer = await fetch(`${program.adminUrl}/admin/v1/models`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: chunked ? new Blob([text]).stream() : text,
    });
    await answer.body?.cancel();
    return answer.status;
  };
  for (const chunked of [false, true]) assert.equal(await statusOf(256 * 1024 + 1, chunked), 413);
  assert.equal(await statusOf(256 * 1024, false), 201);
  assert.equal(await statusOf(256 * 1024, true), 409, "it has been read, and there is one of that name now");
});

forEachRuntime("the API opens and closes with the configuration", async (runtime) => {
  await using program = await startProgram(runtime, emulatorConfig(), { denoPermissions: ["--allow-write"] });
  assert.equal((await send(program, "GET /admin/v1/models")).status, 404);
  const text = await Deno.readTextFile(program.configPath);
  await replaceFile(program.configPath, `${text}admin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`);
  await program.waitForLog(({ message }) => message === "configuration reloaded");
  assert.equal((await send(program, "GET /admin/v1/models")).status, 200);
});

forEachRuntime("a file that cannot be written is reported, and nothing changes", async (runtime) => {
  // Without the right to write, Deno itself refuses; elsewhere root may write everywhere, so only Deno is asked.
  if (runtime !== "deno") return;
  const access = `admin_api: { key: "${keyHash(ADMIN_KEY)}" }\n`;
  await using program = await startProgram(runtime, emulatorConfig() + access);
  const { status, body } = await send(program, "DELETE /admin/v1/models/nova");
  assert.equal(status, 500);
  assert.match(String(body["error"]), /^cannot write /);
  assert.equal(await chat(program, "nova"), 200);
});
