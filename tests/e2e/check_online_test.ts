/** `adit check --online`: STS is asked for the identity of the credentials, and every model for a response. */

import assert from "node:assert/strict";
import { configFor, envPair, section, setUp } from "./aws_host.ts";
import { forEachRuntime, runProgram, type RuntimeName } from "./program.ts";

interface Checked {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Checks a configuration with an STS and a Bedrock of the test. */
async function checkOnline(
  runtime: RuntimeName,
  world: Awaited<ReturnType<typeof setUp>>,
  { config, env = {}, args = [] }: {
    readonly config: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
  },
): Promise<Checked> {
  await world.write("adit.yaml", config);
  await Deno.chmod(`${world.home}/adit.yaml`, 0o600);
  const result = await runProgram(runtime, [
    "check",
    "--online",
    "--config",
    `${world.home}/adit.yaml`,
    ...args,
  ], {
    env: { ...world.env, ...env },
  });
  const { code, stdout, stderr } = result;
  assert.ok(!`${stdout}${stderr}`.includes("hunter2"), "no secret is printed");
  return {
    code,
    stdout: stdout.replaceAll(`${world.home}/`, ""),
    stderr: stderr.replaceAll(`${world.home}/`, ""),
  };
}

forEachRuntime("the identity of a configured key pair is shown, and its model responds", async (runtime) => {
  await using world = await setUp();
  const { accessKeyId, secretAccessKey } = world.identity.know("AKIDFILE");
  const pair = `{ access_key_id: ${accessKeyId}, secret_access_key: ${secretAccessKey} }`;
  assert.deepEqual(await checkOnline(runtime, world, { config: configFor(world.bedrock.url, pair) }), {
    code: 0,
    stdout: "providers.east: signs as arn:aws:iam::111122223333:user/AKIDFILE\n" +
      "models.nova: answers\n" +
      "adit.yaml: ok (providers: 1, models: 1, routes: 0, callers: 1)\n",
    stderr: "",
  });
  assert.deepEqual(world.bedrock.signers, ["AKIDFILE"]);
});

forEachRuntime("a model without Converse, such as one for embeddings, is not a problem", async (runtime) => {
  await using world = await setUp();
  const { accessKeyId, secretAccessKey } = world.identity.know("AKIDFILE");
  const pair = `{ access_key_id: ${accessKeyId}, secret_access_key: ${secretAccessKey} }`;
  const config = configFor(world.bedrock.url, pair).replace(
    "models:\n",
    "models:\n  titan: { provider: east, id: amazon.titan-embed-text-v2:0 }\n",
  );
  const { code, stdout } = await checkOnline(runtime, world, { config });
  assert.match(
    stdout,
    /^models\.titan: known to Bedrock, but not checked further: it does not support Converse$/m,
  );
  assert.equal(code, 0);
});

forEachRuntime("the identities found by the default chain and a profile are shown", async (runtime) => {
  await using world = await setUp(({ identity }) => ({
    ".aws/credentials": section("prod", identity.know("AKIDPROFILE")),
  }));
  const env = envPair(world.identity.know("AKIDENV"));
  const found = async (credentials: string) =>
    (await checkOnline(runtime, world, { config: configFor(world.bedrock.url, credentials), env })).stdout
      .split("\n")[0];
  assert.equal(await found(""), "providers.east: signs as arn:aws:iam::111122223333:user/AKIDENV");
  assert.equal(
    await found("{ profile: prod }"),
    "providers.east: signs as arn:aws:iam::111122223333:user/AKIDPROFILE",
  );
});

forEachRuntime(
  "unknown credentials are reported as problems of the provider and of its models",
  async (runtime) => {
    await using world = await setUp();
    const pair = "{ access_key_id: AKIDWRONG, secret_access_key: hunter2-wrong }";
    const { code, stdout, stderr } = await checkOnline(runtime, world, {
      config: configFor(world.bedrock.url, pair),
    });
    assert.deepEqual([code, stdout], [1, ""]);
    const [provider = "", model = ""] = stderr.split("\n");
    assert.match(
      provider,
      /^adit\.yaml:2:3: providers\.east: cannot identify the credentials: STS returned 403/,
    );
    assert.match(model, /^adit\.yaml:8:3: models\.nova: failed: UnrecognizedClientException: /);
  },
);

forEachRuntime("missing credentials and an unreachable Bedrock are reported", async (runtime) => {
  await using world = await setUp();
  const missing = await checkOnline(runtime, world, { config: configFor(world.bedrock.url, "") });
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /providers\.east: cannot identify the credentials: environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; profile "default": /,
  );
  assert.match(missing.stderr, /models\.nova: failed: the provider has no credentials\n$/);
  assert.equal(missing.stdout, "", "the reason is reported once, for the provider");
  const { accessKeyId, secretAccessKey } = world.identity.know("AKIDFILE");
  const pair = `{ access_key_id: ${accessKeyId}, secret_access_key: ${secretAccessKey} }`;
  const unreachable = await checkOnline(runtime, world, { config: configFor("http://127.0.0.1:9", pair) });
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.stderr, /^adit\.yaml:8:3: models\.nova: failed: /);
});

forEachRuntime(
  "an API key is not sent to STS, and the identity behind callers' signatures is not checked",
  async (runtime) => {
    await using world = await setUp();
    const caller = await checkOnline(runtime, world, {
      config: configFor(world.bedrock.url, "{ caller: true }"),
    });
    assert.equal(caller.code, 0);
    assert.match(
      caller.stdout,
      /^providers\.east: signed by its callers\nmodels\.nova: not checked: callers sign the requests\n/,
    );
    const key = await checkOnline(runtime, world, {
      config: configFor(world.bedrock.url, "{ api_key: hunter2 }"),
    });
    assert.match(key.stdout, /^providers\.east: a Bedrock API key, which STS cannot identify\n/);
    assert.deepEqual(world.identity.asked, []);
  },
);

forEachRuntime("with --format json, AWS's refusals are in the list", async (runtime) => {
  await using world = await setUp();
  const pair = "{ access_key_id: AKIDWRONG, secret_access_key: hunter2-wrong }";
  const config = configFor(world.bedrock.url, pair);
  const { code, stdout } = await checkOnline(runtime, world, { config, args: ["--format", "json"] });
  assert.equal(code, 1);
  assert.deepEqual(
    JSON.parse(stdout).map(({ path, line, severity }: Record<string, unknown>) => [path, line, severity]),
    [["providers.east", 2, "error"], ["models.nova", 8, "error"]],
  );
});

forEachRuntime("a configuration with problems is not checked with AWS", async (runtime) => {
  await using world = await setUp();
  const { code } = await checkOnline(runtime, world, {
    config: `${configFor(world.bedrock.url, "")}unknown: 1\n`,
  });
  assert.deepEqual([code, world.identity.asked, world.bedrock.signers], [1, [], []]);
});
