/** Every source of credentials, end to end; the emulated Bedrock reports who has signed. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { EMULATOR_API_KEY } from "../../lib/emulator/server/credentials.ts";
import { TOKENS } from "../fakes/aws_identity.ts";
import {
  ask,
  configFor,
  envPair,
  reload,
  ROLE,
  section,
  setUp,
  statusOf,
  statusText,
  type Surroundings,
} from "./aws_host.ts";
import { keyHash } from "./configs.ts";
import { forEachRuntime, replaceFile, startProgram } from "./program.ts";

interface SourceCase {
  readonly name: string;
  /** The value of `credentials:`, or "" to omit it. */
  readonly credentials: string;
  readonly files?: (surroundings: Surroundings) => Readonly<Record<string, string>>;
  readonly env?: (surroundings: Surroundings) => Readonly<Record<string, string>>;
  /** Access key id that signs. */
  readonly signer: string;
  readonly source: string;
  readonly expires: boolean;
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
  {
    name: "a JSON object of AISIX's users, as it is",
    credentials:
      '{ json: { access_key_id: AKIDJSON, secret_access_key: "${env:JSON_SECRET}", region: us-east-1 } }',
    env: ({ identity }) => ({ JSON_SECRET: identity.know("AKIDJSON").secretAccessKey }),
    signer: "AKIDJSON",
    source: "static",
    expires: false,
  },
  {
    name: "nobody, but a Bedrock API key",
    credentials: '{ api_key: "${env:API_KEY}" }',
    env: () => ({ API_KEY: EMULATOR_API_KEY.reveal() }),
    signer: "",
    source: "api_key",
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

forEachRuntime("a role is assumed for each caller, and never with another one's session", async (runtime) => {
  await using world = await setUp();
  const { identity, bedrock } = world;
  const base = envPair(identity.know("AKIDBASE"));
  const role = `{ role: { arn: "${ROLE}", session_name: "adit-{caller}", tags: { team: "{team}" } } }`;
  const config = configFor(bedrock.url, role).replace('models: ["*"] }', 'models: ["*"], team: search }') +
    `  other: { key: "${keyHash(OTHER_KEY)}", models: ["*"] }\n`;
  await using program = await startProgram(runtime, config, { env: { ...world.env, ...base } });
  assert.equal((await ask(program)).status, 200);
  assert.equal((await ask(program)).status, 200);
  assert.equal((await ask(program, "nova", OTHER_KEY)).status, 200);
  assert.deepEqual(bedrock.signers, ["ASIASTS1", "ASIASTS1", "ASIASTS2"]);
  assert.deepEqual(
    identity.stsForms.map((form) => [form.get("RoleSessionName"), form.get("Tags.member.1.Value")]),
    [["adit-demo", "search"], ["adit-other", ""]],
  );
  // A reload keeps the sessions; a caller without one is refused when STS refuses.
  identity.refuse = true;
  const third = `  third: { key: "${keyHash(THIRD_KEY)}", models: ["*"] }\n  other:`;
  const written = await Deno.readTextFile(program.configPath);
  await replaceFile(program.configPath, written.replace("  other:", third));
  await reload(program);
  assert.equal((await ask(program)).status, 200);
  const refused = await ask(program, "nova", THIRD_KEY);
  assert.equal(refused.status, 502, refused.text);
  assert.deepEqual(bedrock.signers, ["ASIASTS1", "ASIASTS1", "ASIASTS2", "ASIASTS1"]);
});

const OTHER_KEY = "other-key-0123456789abcdef";
const THIRD_KEY = "third-key-0123456789abcdef";
