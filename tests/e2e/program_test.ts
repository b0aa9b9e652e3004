import assert from "node:assert/strict";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { jsonAnswer, startFakeUpstream } from "../fakes/upstream.ts";
import { emulatorConfig } from "./configs.ts";
import { commandOf, forEachRuntime, ownOutput, runProgram, RUNTIMES, startProgram } from "./program.ts";

const KEY = "adit-demo-key";

/** One model behind the given endpoint, and a caller with the key above who may use all. */
const configFor = (endpoint: string) => `
providers:
  fake:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}
    credentials: { access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: example }
models:
  nova: { provider: fake, id: amazon.nova-lite-v1:0 }
callers:
  demo:
    key: sha256:856b0e50ac8d545b0ad1cf7285cd90d1c75411f4030a473c7043936f45a866f8
    models: ["*"]
`;

forEachRuntime(
  "the program listens, responds, prints only its log, and ends with 0 at SIGTERM",
  async (runtime) => {
    await using program = await startProgram(runtime, configFor("http://127.0.0.1:9"));
    const health = await fetch(`${program.url}/healthz`);
    await health.body?.cancel();
    assert.equal(health.status, 200);
    const status = await fetch(`${program.adminUrl}/-/status`);
    assert.match((await status.json()).runtime, new RegExp(`^${runtime} `));
    const { code } = await program.stop();
    assert.equal(code, 0);
    assert.equal(program.stderr, "");
    assert.equal(program.logs.at(-1)?.message, "stopped");
  },
);

forEachRuntime(
  "a request reaches the provider's endpoint with a signature, and the client gets its response",
  async (runtime) => {
    await using upstream = await startFakeUpstream(jsonAnswer(200, {
      output: { message: { role: "assistant", content: [{ text: "Hello!" }] } },
      stopReason: "end_turn",
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
      metrics: { latencyMs: 1 },
    }));
    await using program = await startProgram(runtime, configFor(upstream.url));
    await using client = await connectRaw(program.url);
    const body = JSON.stringify({ model: "nova", messages: [{ role: "user", content: "Hi" }] });
    client.send(requestText("POST /v1/chat/completions", {
      Authorization: `Bearer ${KEY}`,
      "Content-Type": "application/json",
    }, body));
    const answer = await client.answer();
    const sent = await upstream.requestAt(0);
    assert.equal(sent.startLine, "POST /model/amazon.nova-lite-v1%3A0/converse HTTP/1.1");
    assert.match(
      sent.headers.get("authorization") ?? "",
      /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\//,
    );
    assert.equal(JSON.parse(new TextDecoder().decode(answer?.body)).choices[0].message.content, "Hello!");
  },
);

forEachRuntime(
  "a missing configuration ends the start with 78 and one line in the log",
  async (runtime) => {
    const { code, stdout, stderr } = await runProgram(runtime, ["serve", "--config", "/nowhere/adit.yaml"]);
    assert.deepEqual({ code, stderr }, { code: 78, stderr: "" });
    const { level, message, problem } = JSON.parse(stdout);
    assert.deepEqual({ level, message }, { level: "error", message: "configuration problem" });
    assert.match(problem, /\/nowhere\/adit\.yaml/);
  },
);

forEachRuntime("lines for systemd's journal begin with their priority", async (runtime) => {
  const folder = await Deno.makeTempDir();
  try {
    // A file serves as well as the journal's socket: JOURNAL_STREAM only has to identify standard output.
    const path = `${folder}/journal`;
    await Deno.writeTextFile(path, "");
    const { dev, ino } = await Deno.stat(path);
    const program = [...await commandOf(runtime), "serve", "--config", "/nowhere/adit.yaml"];
    const serve = async (stream: string) => {
      const { code } = await new Deno.Command("sh", {
        args: ["-c", 'exec "$@" >"$0"', path, ...program],
        env: { JOURNAL_STREAM: stream },
      }).output();
      assert.equal(code, 78);
      return await Deno.readTextFile(path);
    };
    assert.match(await serve(`${dev}:${ino}`), /^<3>\{"time":/);
    assert.match(await serve(`${dev}:${(ino ?? 0) + 1}`), /^\{"time":/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

// Only Linux has /dev/full.
forEachRuntime("output that cannot be written is an error of one line", async (runtime) => {
  const [program = "", ...args] = await commandOf(runtime);
  const words = [program, ...args].map((word) => `'${word}'`).join(" ");
  const { code, stderr } = await new Deno.Command("sh", { args: ["-c", `${words} version >/dev/full`] })
    .output();
  assert.deepEqual([code, ownOutput(new TextDecoder().decode(stderr)).trim().split("\n").length], [1, 1]);
  assert.match(new TextDecoder().decode(stderr), /Cannot write the output: .*no space left on device/i);
}, { except: Deno.build.os === "linux" ? [] : RUNTIMES });

forEachRuntime("output is complete, however slowly the pipe is read", async (runtime) => {
  const names = Array.from({ length: 1500 }, (_, index) => [`m${index}`, "amazon.nova-lite-v1:0"] as const);
  const folder = await Deno.makeTempDir({ prefix: "adit-pipe-" });
  const path = `${folder}/adit.yaml`;
  await Deno.writeTextFile(path, emulatorConfig(Object.fromEntries(names)));
  const { code, stdout, stderr } = await runProgram(runtime, ["config", "--config", path]);
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /\n {2}m1499:\n/);
  assert.match(stdout, /\nbudgets: \{\}\n$/);
});
