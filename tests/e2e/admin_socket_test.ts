/** The admin listener on a Unix socket. */

import assert from "node:assert/strict";
import { emulatorConfig, keyHash } from "./configs.ts";
import { forEachRuntime, replaceFile, runProgram, startProgram } from "./program.ts";

const ADMIN_KEY = "adit-admin-key-0123456789";
const PERMISSIONS = { denoPermissions: ["--allow-write"] };

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** One request over a socket. */
async function send(path: string, request: string, headers: readonly string[] = []): Promise<Answer> {
  using socket = await Deno.connect({ transport: "unix", path });
  const lines = [`${request} HTTP/1.1`, "Host: adit", "Connection: close", ...headers, "", ""];
  await socket.write(new TextEncoder().encode(lines.join("\r\n")));
  const text = await new Response(socket.readable).text();
  return {
    status: Number(text.split(" ")[1]),
    body: JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)),
  };
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  // Short: the path of a socket has room for 103 characters.
  const folder = await Deno.makeTempDir({ prefix: "adit-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const configFor = (socket: string) =>
  `admin: "unix:${socket}"\nadmin_api: { key: "${keyHash(ADMIN_KEY)}" }\n${emulatorConfig()}`;

forEachRuntime(
  "the admin socket serves its owner, and is removed at the end",
  (runtime) =>
    withFolder(async (folder) => {
      const path = `${folder}/admin.sock`;
      await using program = await startProgram(runtime, configFor(path), PERMISSIONS);
      assert.equal(program.adminUrl, `unix:${path}`);
      assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o077, 0, "nobody else can connect");
      assert.equal((await send(path, "GET /-/ready")).status, 200);
      assert.equal((await send(path, "GET /admin/v1/models")).status, 401);
      const key = [`Authorization: Bearer ${ADMIN_KEY}`];
      assert.equal((await send(path, "GET /admin/v1/models", key)).body["total"], 2);
      assert.equal((await send(path, "DELETE /admin/v1/models/nova", key)).status, 200);
      const { status, body } = await send(path, "GET /-/status");
      assert.equal(status, 200);
      assert.deepEqual(Object(body["listeners"]).admin, [`unix:${path}`]);
      assert.equal((await program.stop()).code, 0);
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
      assert.equal(program.stderr, "");
    }),
);

forEachRuntime(
  "a socket left by a killed process is replaced, and one in use is not",
  (runtime) =>
    withFolder(async (folder) => {
      const path = `${folder}/admin.sock`;
      await using killed = await startProgram(runtime, configFor(path), PERMISSIONS);
      await killed.stop("SIGKILL");
      assert.ok((await Deno.lstat(path)).isSocket);
      await using program = await startProgram(runtime, configFor(path), PERMISSIONS);
      assert.equal((await send(path, "GET /-/ready")).status, 200);

      const config = `${folder}/second.yaml`;
      await Deno.writeTextFile(config, `listen: 127.0.0.1:0\n${configFor(path)}`);
      const second = await runProgram(runtime, ["serve", "--config", config], PERMISSIONS);
      assert.equal(second.code, 1);
      assert.match(
        second.stdout,
        /"message":"cannot start","error":"Cannot listen on \\"unix:.*admin\.sock\\": the address is already in use"\}\n$/,
      );
      assert.equal((await send(path, "GET /-/ready")).status, 200, "the first one has not lost its socket");
      assert.equal((await program.stop()).code, 0);
    }),
);

forEachRuntime(
  "a reload moves the admin listener from a port to a socket and back",
  (runtime) =>
    withFolder(async (folder) => {
      const path = `${folder}/admin.sock`;
      await using program = await startProgram(runtime, emulatorConfig(), PERMISSIONS);
      const text = await Deno.readTextFile(program.configPath);
      const use = async (admin: string) => {
        const from = program.logs.length;
        await replaceFile(program.configPath, text.replace(/^admin:.*$/m, `admin: "${admin}"`));
        await program.waitForLog(({ message }) => message === "configuration reloaded", from);
      };
      await use(`unix:${path}`);
      assert.equal((await send(path, "GET /-/ready")).status, 200);
      await use("127.0.0.1:0");
      await assert.rejects(send(path, "GET /-/ready"));
    }),
);
