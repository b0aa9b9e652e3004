import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import { type AwsIdentity, startAwsIdentity, TOKENS } from "../fakes/aws_identity.ts";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

/** The emulator as a Bedrock of its own, which takes the signatures of the identity's pairs alone. */
function startBedrock(identity: AwsIdentity, clock: Clock) {
  const signers: string[] = [];
  const expired = new Set<string>();
  const { handle } = createEmulator({ clock, credentials: identity.pairs });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const [, signer = ""] = /Credential=([^/]+)\//.exec(request.headers.get("authorization") ?? "") ?? [];
    signers.push(signer);
    if (!expired.has(signer)) return await handle(request);
    await request.body?.cancel();
    return Response.json({ message: "The security token included in the request is expired" }, {
      status: 403,
      headers: { "x-amzn-errortype": "ExpiredTokenException" },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    /** Access key ids of the requests so far. */
    signers,
    /** Access key ids that are refused as expired. */
    expired,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/** What a case may point the program at. */
interface Surroundings {
  readonly identity: AwsIdentity;
  /** A folder of the case's own, which is the home of the program, too. */
  readonly home: string;
}

/** A folder as home with the files in it, the sources of credentials, and the Bedrock that knows them. */
async function setUp(
  files: (surroundings: Surroundings) => Readonly<Record<string, string>> = () => ({}),
  clockOfBedrock = systemClock,
) {
  const home = await Deno.makeTempDir({ prefix: "adit-home-" });
  const identity = startAwsIdentity();
  const bedrock = startBedrock(identity, clockOfBedrock);
  const write = async (name: string, text: string) => {
    await Deno.mkdir(`${home}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${home}/${name}`, text);
  };
  for (const [name, text] of Object.entries(files({ identity, home }))) await write(name, text);
  return {
    home,
    identity,
    bedrock,
    write,
    /** Nothing of the machine that the tests run on is found. */
    env: {
      HOME: home,
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL_STS: identity.url,
      AWS_ENDPOINT_URL_SSO: identity.url,
    },
    async [Symbol.asyncDispose]() {
      await bedrock[Symbol.asyncDispose]();
      await identity[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

function configFor(endpoint: string, credentials: string): string {
  return `providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}
${credentials === "" ? "" : `    credentials: ${credentials}\n`}models:
  nova: { provider: east, id: amazon.nova-lite-v1:0 }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
`;
}

async function ask(
  program: Program,
  model = "nova",
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
  });
  return { status: response.status, text: await response.text() };
}

interface CredentialStatus {
  readonly source: string;
  readonly expires_at?: string;
  readonly last_error?: string;
}

async function statusText(program: Program): Promise<string> {
  return await (await fetch(`${program.adminUrl}/-/status`)).text();
}

async function statusOf(program: Program, provider = "east"): Promise<CredentialStatus | undefined> {
  return JSON.parse(await statusText(program)).credentials[provider];
}

const ROLE = "arn:aws:iam::111122223333:role/adit";

interface SourceCase {
  readonly name: string;
  /** The value of `credentials:`, or "" where it is left out. */
  readonly credentials: string;
  readonly files?: (surroundings: Surroundings) => Readonly<Record<string, string>>;
  readonly env?: (surroundings: Surroundings) => Readonly<Record<string, string>>;
  /** Access key id that signs. */
  readonly signer: string;
  readonly source: string;
  readonly expires: boolean;
}

/** A section of the shared files with a key pair. */
function section(header: string, { accessKeyId, secretAccessKey }: ReturnType<AwsIdentity["know"]>): string {
  return `[${header}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

function envPair({ accessKeyId, secretAccessKey }: ReturnType<AwsIdentity["know"]>) {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

const SSO_SESSION = `[profile single-sign-on]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = adit
[sso-session corp]
sso_start_url = https://corp.awsapps.test/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
`;

const CASES: readonly SourceCase[] = [
  {
    name: "the environment",
    credentials: "",
    env: ({ identity }) => envPair(identity.know("AKIDENV")),
    signer: "AKIDENV",
    source: "chain",
    expires: false,
  },
  {
    name: "the default profile of the credentials file",
    credentials: "",
    files: ({ identity }) => ({ ".aws/credentials": section("default", identity.know("AKIDDEFAULT")) }),
    signer: "AKIDDEFAULT",
    source: "chain",
    expires: false,
  },
  {
    name: "a profile that the configuration names, over the environment",
    credentials: "{ profile: prod }",
    files: ({ identity }) => ({ ".aws/credentials": section("prod", identity.know("AKIDPROD")) }),
    env: ({ identity }) => envPair(identity.know("AKIDENV")),
    signer: "AKIDPROD",
    source: "profile",
    expires: false,
  },
  {
    name: "a profile with credential_process",
    credentials: "{ profile: process }",
    files: ({ identity, home }) => {
      const { accessKeyId, secretAccessKey } = identity.know("AKIDPROCESS");
      return {
        ".aws/config": `[profile process]\ncredential_process = cat ${home}/process.json\n`,
        "process.json": JSON.stringify({
          Version: 1,
          AccessKeyId: accessKeyId,
          SecretAccessKey: secretAccessKey,
        }),
      };
    },
    signer: "AKIDPROCESS",
    source: "profile",
    expires: false,
  },
  {
    name: "a profile that assumes a role with the keys of another",
    credentials: "{ profile: assumed }",
    files: ({ identity }) => ({
      ".aws/config": `[profile assumed]\nrole_arn = ${ROLE}\nsource_profile = base\n`,
      ".aws/credentials": section("base", identity.know("AKIDBASE")),
    }),
    signer: "ASIASTS1",
    source: "profile",
    expires: true,
  },
  {
    name: "the environment's profile, whose services section names the STS endpoint",
    credentials: "",
    files: ({ identity }) => ({
      ".aws/config": `[profile assumed]\nrole_arn = ${ROLE}\nsource_profile = base\nservices = local\n` +
        `[services local]\nsts =\n  endpoint_url = ${identity.url}\n`,
      ".aws/credentials": section("base", identity.know("AKIDBASE")),
    }),
    env: () => ({ AWS_PROFILE: "assumed", AWS_ENDPOINT_URL_STS: "" }),
    signer: "ASIASTS1",
    source: "chain",
    expires: true,
  },
  {
    name: "a profile with a web identity",
    credentials: "{ profile: web }",
    files: ({ home }) => ({
      ".aws/config": `[profile web]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${home}/token\n`,
      "token": TOKENS.web,
    }),
    signer: "ASIASTS1",
    source: "profile",
    expires: true,
  },
  {
    name: "a profile with single sign-on",
    credentials: "{ profile: single-sign-on }",
    files: () => ({
      ".aws/config": SSO_SESSION,
      [`.aws/sso/cache/${createHash("sha1").update("corp").digest("hex")}.json`]: JSON.stringify({
        accessToken: TOKENS.sso,
        expiresAt: new Date(Date.now() + 60 * 60_000).toISOString(),
      }),
    }),
    signer: "ASIASSO1",
    source: "profile",
    expires: true,
  },
  {
    name: "a web identity of the environment, as in EKS",
    credentials: "",
    files: () => ({ "token": TOKENS.web }),
    env: ({ home }) => ({ AWS_WEB_IDENTITY_TOKEN_FILE: `${home}/token`, AWS_ROLE_ARN: ROLE }),
    signer: "ASIASTS1",
    source: "chain",
    expires: true,
  },
  {
    name: "a container endpoint with a token, as in ECS",
    credentials: "",
    env: ({ identity }) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKENS.container,
    }),
    signer: "ASIACONTAINER1",
    source: "chain",
    expires: true,
  },
  {
    name: "a container endpoint with a token file, as of EKS Pod Identity",
    credentials: "",
    files: () => ({ "token": TOKENS.container }),
    env: ({ identity, home }) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${home}/token`,
    }),
    signer: "ASIACONTAINER1",
    source: "chain",
    expires: true,
  },
  {
    name: "the instance metadata service of EC2",
    credentials: "",
    env: ({ identity }) => ({
      AWS_EC2_METADATA_DISABLED: "false",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: identity.url,
      AWS_EC2_METADATA_V1_DISABLED: "true",
    }),
    signer: "ASIAIMDS1",
    source: "chain",
    expires: true,
  },
  {
    name: "a role on top of the default chain",
    credentials:
      `{ role: { arn: "${ROLE}", external_id: "search:7", tags: { team: search }, duration: 30m } }`,
    env: ({ identity }) => envPair(identity.know("AKIDENV")),
    signer: "ASIASTS1",
    source: "role",
    expires: true,
  },
  {
    name: "a role on top of a profile",
    credentials: `{ profile: prod, role: { arn: "${ROLE}" } }`,
    files: ({ identity }) => ({ ".aws/credentials": section("prod", identity.know("AKIDPROD")) }),
    signer: "ASIASTS1",
    source: "role",
    expires: true,
  },
  {
    name: "a role on top of a key pair of the configuration",
    credentials:
      `{ access_key_id: "\${env:BASE_ID}", secret_access_key: "\${env:BASE_SECRET}", role: { arn: "${ROLE}" } }`,
    env: ({ identity }) => {
      const { accessKeyId, secretAccessKey } = identity.know("AKIDBASE");
      return { BASE_ID: accessKeyId, BASE_SECRET: secretAccessKey };
    },
    signer: "ASIASTS1",
    source: "role",
    expires: true,
  },
  {
    name: "a JSON object of Cloudflare's users in a file",
    credentials: '{ json: "${file:HOME/keys.json}" }',
    files: ({ identity }) => ({
      "keys.json": JSON.stringify({ ...identity.know("AKIDJSON"), region: "us-east-1" }),
    }),
    signer: "AKIDJSON",
    source: "static",
    expires: false,
  },
];

for (const { name, credentials, files, env, signer, source, expires } of CASES) {
  forEachRuntime(`requests are signed with the keys of ${name}`, async (runtime) => {
    await using world = await setUp(files);
    const config = configFor(world.bedrock.url, credentials.replace("HOME", world.home));
    await using program = await startProgram(runtime, config, { env: { ...world.env, ...env?.(world) } });
    const { status, text } = await ask(program);
    assert.equal(status, 200, `${text}\n${JSON.stringify(program.logs)}`);
    assert.deepEqual(world.bedrock.signers, [signer]);
    const known = await statusOf(program);
    assert.deepEqual([known?.source, known?.expires_at !== undefined, known?.last_error], [
      source,
      expires,
      undefined,
    ]);
    assert.doesNotMatch(JSON.stringify(program.logs) + await statusText(program), /hunter2/);
    assert.equal(program.stderr, "");
  });
}

async function reload(program: Program): Promise<void> {
  const response = await fetch(`${program.adminUrl}/-/reload`, { method: "POST" });
  assert.equal(response.status, 200, await response.text());
}

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
  "credentials that AWS calls expired are renewed once for all requests, which are then sent again",
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
  "credentials that AWS calls expired and that stay the same are refused, and sent once",
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
  "a reload finds what was rewritten: shared files, and files that the configuration names",
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

forEachRuntime(
  "a provider without credentials fails by itself, says so, and works once there are some",
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
    assert.match(text, /"the gateway has no credentials for the model provider; your key is fine"/);
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
  "an instance metadata service that hangs does not keep the program from listening",
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
    assert.deepEqual(await statusOf(program), { source: "chain" });
    const { status, text } = await ask(program);
    assert.equal(status, 502, text);
  },
);

forEachRuntime("what credential_process prints and is called with is shown nowhere", async (runtime) => {
  await using world = await setUp(() => ({
    ".aws/config":
      "[default]\ncredential_process = sh -c 'echo hunter2-printed >&2; exit 1' hunter2-argument\n",
  }));
  await using program = await startProgram(runtime, configFor(world.bedrock.url, "{ profile: default }"), {
    env: world.env,
  });
  assert.equal((await ask(program)).status, 502);
  assert.equal((await statusOf(program))?.last_error, "the command of credential_process failed");
  assert.doesNotMatch(JSON.stringify(program.logs) + await statusText(program) + program.stderr, /hunter2/);
});

forEachRuntime("a host whose clock is an hour late signs by the clock of AWS", async (runtime) => {
  const ahead: Clock = { ...systemClock, now: () => systemClock.now() + 60 * 60_000 };
  await using world = await setUp(undefined, ahead);
  const env = { ...world.env, ...envPair(world.identity.know("AKIDENV")) };
  await using program = await startProgram(runtime, configFor(world.bedrock.url, ""), { env });
  assert.equal((await ask(program)).status, 200);
  assert.equal((await ask(program)).status, 200);
  // The first was refused and sent again, the second was signed by the right clock at once.
  assert.equal(world.bedrock.signers.length, 3);
  const line = await program.waitForLog(({ message }) => message.startsWith("this host's clock"));
  assert.ok(Math.abs(Number(line["offset_s"]) - 3600) < 120);
});

forEachRuntime("STS is reached over TLS with the permissions that the program has", async (runtime) => {
  await using world = await setUp();
  // Nothing there speaks TLS: what counts is that the connection is tried.
  const env = {
    ...world.env,
    BASE_ID: "AKIDBASE",
    AWS_ENDPOINT_URL_STS: world.identity.url.replace("http:", "https:"),
  };
  await using program = await startProgram(runtime, configFor(world.bedrock.url, ASSUMED), { env });
  const line = await program.waitForLog(({ message }) => message === "no credentials found");
  assert.doesNotMatch(String(line["error"]), /access|permission/);
});
