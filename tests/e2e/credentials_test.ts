/** Credentials while the program runs: expired, rewritten, missing, hung, and never shown. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { KEY, keyHash } from "./configs.ts";
import { ask, configFor, envPair, reload, ROLE, section, setUp, statusOf, statusText } from "./aws_host.ts";
import { forEachRuntime, runProgram, startProgram } from "./program.ts";

const ASSUMED =
  `{ access_key_id: "\${env:BASE_ID}", secret_access_key: hunter2-base, role: { arn: "${ROLE}" } }`;

forEachRuntime(
  "STS is asked for the role with its session name, external id, tags and duration",
  async (runtime) => {
    await using world = await setUp();
    const role =
      `{ role: { arn: "${ROLE}", session_name: edge-7, external_id: "search:7", tags: { team: search }, duration: 30m } }`;
    const env = { ...world.env, ...envPair(world.identity.know("AKIDENV")) };
    await using program = await startProgram(runtime, configFor(world.bedrock.url, role), { env });
    assert.equal((await ask(program)).status, 200);
    const asked = [
      "RoleArn",
      "RoleSessionName",
      "ExternalId",
      "DurationSeconds",
      "Tags.member.1.Key",
      "Tags.member.1.Value",
    ]
      .map((name) => world.identity.stsForms[0]?.get(name));
    assert.deepEqual(asked, [ROLE, "edge-7", "search:7", "1800", "team", "search"]);
  },
);

forEachRuntime(
  "expired credentials are renewed once for all requests, which are then sent again",
  async (runtime) => {
    await using world = await setUp();
    const env = { ...world.env, BASE_ID: "AKIDBASE" };
    await using program = await startProgram(runtime, configFor(world.bedrock.url, ASSUMED), { env });
    assert.equal((await ask(program)).status, 200);
    world.bedrock.expired.add("ASIASTS1");
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(program)));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
    assert.deepEqual(world.identity.asked, ["sts AssumeRole", "sts AssumeRole"]);
    assert.equal(world.bedrock.signers.at(-1), "ASIASTS2");
  },
);

forEachRuntime(
  "a request with expired credentials is refused, and sent once, if a search finds the same ones",
  async (runtime) => {
    await using world = await setUp(({ identity }) => ({
      ".aws/credentials": section("default", identity.know("AKIDOLD")),
    }));
    world.bedrock.expired.add("AKIDOLD");
    await using program = await startProgram(runtime, configFor(world.bedrock.url, ""), { env: world.env });
    const { status, text } = await ask(program);
    assert.equal(status, 502);
    assert.equal(JSON.parse(text).error.code, "upstream_credentials");
    assert.deepEqual(world.bedrock.signers, ["AKIDOLD"]);
  },
);

forEachRuntime(
  "a reload reads rewritten files: the shared ones, and those that the configuration names",
  async (runtime) => {
    await using world = await setUp(({ identity }) => ({
      ".aws/credentials": section("default", identity.know("AKIDOLD")),
      "secret": identity.know("AKIDFILE").secretAccessKey,
      "credentials/name": "AKIDFILE",
    }));
    const config = configFor(world.bedrock.url, "").replace(
      "models:\n",
      `  west:
    type: bedrock
    region: us-west-2
    endpoint: ${world.bedrock.url}
    credentials: { access_key_id: "\${credential:name}", secret_access_key: "\${file:${world.home}/secret}" }
models:
  west: { provider: west, id: amazon.nova-lite-v1:0 }
`,
    );
    const env = { ...world.env, CREDENTIALS_DIRECTORY: `${world.home}/credentials` };
    await using program = await startProgram(runtime, config, { env });
    assert.equal((await ask(program)).status, 200);
    assert.equal((await ask(program, "west")).status, 200);
    await world.write(".aws/credentials", section("default", world.identity.know("AKIDNEW")));
    await world.write("secret", world.identity.know("AKIDFILE2").secretAccessKey);
    await world.write("credentials/name", "AKIDFILE2");
    await reload(program);
    assert.equal((await ask(program)).status, 200);
    assert.equal((await ask(program, "west")).status, 200);
    assert.deepEqual(world.bedrock.signers, ["AKIDOLD", "AKIDFILE", "AKIDNEW", "AKIDFILE2"]);
    assert.doesNotMatch(JSON.stringify(program.logs) + await statusText(program) + program.stderr, /hunter2/);
  },
);

forEachRuntime("a reload responds while the search for credentials continues", async (runtime) => {
  await using world = await setUp();
  world.identity.hang = true;
  const { accessKeyId, secretAccessKey } = world.identity.know("AKIDBASE");
  const role =
    `{ access_key_id: ${accessKeyId}, secret_access_key: ${secretAccessKey}, role: { arn: "${ROLE}" } }`;
  await using program = await startProgram(runtime, configFor(world.bedrock.url, role), { env: world.env });
  await reload(program);
  const { logs } = program;
  await program.waitForLog(({ message }) => message === "configuration reloaded");
  assert.ok(logs.every(({ message }) => !message.includes("credentials found")), "the search has not ended");
  await program.stop("SIGKILL");
});

forEachRuntime(
  "a provider without credentials fails alone, is reported, and works once it has some",
  async (runtime) => {
    await using world = await setUp();
    const config = configFor(world.bedrock.url, "{ profile: prod }").replace(
      "models:\n",
      "  local: { type: emulator }\nmodels:\n  local: { provider: local, id: amazon.nova-lite-v1:0 }\n",
    );
    await using program = await startProgram(runtime, config, { env: world.env });
    const line = await program.waitForLog(({ message }) => message === "no credentials found");
    assert.deepEqual([line.level, line["provider"], line["source"]], ["error", "east", "profile"]);
    const { status, text } = await ask(program);
    assert.equal(status, 502);
    assert.match(text, /"the gateway has no credentials for the model provider; your API key is valid"/);
    assert.equal((await ask(program, "local")).status, 200);
    assert.match((await statusOf(program))?.last_error ?? "", /prod/);
    assert.deepEqual(await statusOf(program, "local"), { source: "emulator" });

    await world.write(".aws/credentials", section("prod", world.identity.know("AKIDPROD")));
    await reload(program);
    assert.equal((await ask(program)).status, 200);
    assert.deepEqual(await statusOf(program), { source: "profile" });
  },
);

forEachRuntime(
  "a hung instance metadata service does not delay listening",
  async (runtime) => {
    await using world = await setUp();
    world.identity.hang = true;
    const env = {
      ...world.env,
      AWS_EC2_METADATA_DISABLED: "false",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: world.identity.url,
    };
    await using program = await startProgram(runtime, configFor(world.bedrock.url, ""), { env });
    const health = await fetch(`${program.url}/healthz`);
    assert.equal(await health.text(), '{"status":"ok"}');
    assert.equal((await statusOf(program))?.source, "chain");
    const { status, text } = await ask(program);
    assert.equal(status, 502, text);
  },
);

forEachRuntime("a response of a container's endpoint that is not JSON is never shown", async (runtime) => {
  await using world = await setUp();
  await using endpoint = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response('{"AccessKeyId":"AKIDBROKEN","SecretAccessKey":hunter2}'),
  );
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${endpoint.addr.port}/` };
  await using program = await startProgram(runtime, configFor(world.bedrock.url, ""), {
    env: { ...world.env, ...env },
  });
  assert.equal((await ask(program)).status, 502);
  const error = String((await statusOf(program))?.last_error);
  assert.ok(error.endsWith("; container: the response is not JSON"), error);
  assert.doesNotMatch(JSON.stringify(program.logs) + await statusText(program) + program.stderr, /hunter2/);
});

forEachRuntime("the output and the arguments of credential_process are never shown", async (runtime) => {
  await using world = await setUp(() => ({
    ".aws/config":
      "[default]\ncredential_process = sh -c 'echo hunter2-printed >&2; exit 1' hunter2-argument\n",
  }));
  await using program = await startProgram(runtime, configFor(world.bedrock.url, "{ profile: default }"), {
    env: world.env,
  });
  assert.equal((await ask(program)).status, 502);
  const error = (await statusOf(program))?.last_error;
  assert.equal(error, 'profile "default": the command of credential_process failed');
  assert.doesNotMatch(JSON.stringify(program.logs) + await statusText(program) + program.stderr, /hunter2/);
});

forEachRuntime("a host whose clock is an hour late signs with AWS's time", async (runtime) => {
  const ahead: Clock = { ...systemClock, now: () => systemClock.now() + 60 * 60_000 };
  await using world = await setUp(undefined, ahead);
  const env = { ...world.env, ...envPair(world.identity.know("AKIDENV")) };
  await using program = await startProgram(runtime, configFor(world.bedrock.url, ""), { env });
  assert.equal((await ask(program)).status, 200);
  assert.equal((await ask(program)).status, 200);
  // The first was refused and sent again, the second was signed by the right clock at once.
  assert.equal(world.bedrock.signers.length, 3);
  const line = await program.waitForLog(({ message }) => message.startsWith("the host's clock"));
  assert.ok(Math.abs(Number(line["offset_s"]) - 3600) < 120);
});

forEachRuntime("STS is reached over TLS with the permissions that the program has", async (runtime) => {
  await using world = await setUp();
  // No server supports TLS there: the test only checks that the connection is tried.
  const env = {
    ...world.env,
    BASE_ID: "AKIDBASE",
    AWS_ENDPOINT_URL_STS: world.identity.url.replace("http:", "https:"),
  };
  await using program = await startProgram(runtime, configFor(world.bedrock.url, ASSUMED), { env });
  const line = await program.waitForLog(({ message }) => message === "no credentials found");
  assert.doesNotMatch(String(line["error"]), /access|permission/);
});

/** Every place for a secret, each with one. */
const SECRETS = `providers:
  pair: { type: bedrock, region: us-east-1, credentials: { access_key_id: AKIDhunter2, secret_access_key: hunter2, session_token: hunter2 } }
  key: { type: bedrock, region: us-west-2, credentials: { api_key: hunter2 } }
  json: { type: bedrock, region: eu-west-1, credentials: { json: '{"accessKeyId": "AKIDhunter2", "secretAccessKey": "hunter2"}' } }
  map: { type: bedrock, region: eu-west-2, credentials: { json: { accessKeyId: AKIDhunter2, secretAccessKey: hunter2 } } }
  env: { type: bedrock, region: eu-west-3, credentials: { api_key: "\${env:SECRET}" } }
  role: { type: bedrock, region: eu-north-1, credentials: { role: { arn: "${ROLE}", external_id: hunter2 } } }
models:
  nova: { provider: json, id: amazon.nova-lite-v1:0 }
callers:
  demo: { key: "${keyHash(KEY)}", models: [nova] }
  aws: { aws: { access_key_id: ADIThunter2hunter2, secret_access_key: hunter2hunter2hunter2hunter2hunter2 }, models: [nova] }
`;

forEachRuntime("no command shows a secret, of a good configuration or of a broken one", async (runtime) => {
  await using world = await setUp();
  const env = { ...world.env, SECRET: "hunter2-from-env" };
  for (
    const text of [SECRETS, SECRETS.replaceAll("hunter2", "hunter2 hunter2"), `${SECRETS}models: hunter2\n`]
  ) {
    await world.write("adit.yaml", text);
    for (const command of [["check"], ["check", "--format", "json"], ["config"], ["explain", "nova"]]) {
      const { stdout, stderr } = await runProgram(runtime, [
        ...command,
        "--config",
        `${world.home}/adit.yaml`,
      ], { env });
      assert.notEqual(stdout + stderr, "");
      assert.doesNotMatch(stdout + stderr, /hunter2/, command.join(" "));
    }
  }
});
