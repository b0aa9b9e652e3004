/** Key pairs as AWS's own code finds them in this process's environment and in the shared files. */

import { deepEqual, doesNotMatch, equal, match, rejects } from "node:assert/strict";
import { reasonOf } from "../../../lib/aws/keys/key_pair.ts";
import { Secret } from "../../../lib/base/secret.ts";
import { assumeRole, searchDefaultChain, searchProfile } from "../../../lib/aws/keys/sdk_search.ts";

const SECRET = "hunter2";
const HERE = { region: "us-east-1", fetch: undefined };
const NOT_A_KEY = "the credentials found contain an invalid character";
const PAIR = { AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: SECRET };

/** The search with these variables, and none that would lead it to the machine's own credentials. */
async function withEnv<Found>(
  env: Readonly<Record<string, string>>,
  search: () => Promise<Found>,
): Promise<Found> {
  const all: Readonly<Record<string, string>> = {
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PROFILE: "",
    ...env,
  };
  const before = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
  try {
    return await search();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test("a key pair in the environment is found unchanged", async () => {
  const pair = await withEnv(
    { ...PAIR, AWS_SESSION_TOKEN: "to/ken+=" },
    () => searchDefaultChain(HERE),
  );
  deepEqual(
    [pair.accessKeyId, pair.secretAccessKey.reveal(), pair.sessionToken?.reveal(), pair.expiresAtMs],
    ["AKIDENV", SECRET, "to/ken+=", undefined],
  );
});

const BROKEN: readonly Readonly<Record<string, string>>[] = [
  { AWS_SESSION_TOKEN: `${SECRET}\n${SECRET}` },
  { AWS_SESSION_TOKEN: `${SECRET}\r\n` },
  { AWS_SESSION_TOKEN: `${SECRET}é` },
  { AWS_SECRET_ACCESS_KEY: `${SECRET} ` },
  { AWS_ACCESS_KEY_ID: "AKID\tENV" },
];

for (const env of BROKEN) {
  Deno.test(`no key pair is found in the environment with ${JSON.stringify(env)}`, async () => {
    await rejects(
      withEnv({ ...PAIR, ...env }, () => searchDefaultChain(HERE)),
      (error) => {
        equal(reasonOf(error), NOT_A_KEY);
        return true;
      },
    );
  });
}

Deno.test("a credential_process token with a line break is refused", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-search-" });
  try {
    const answer = {
      Version: 1,
      AccessKeyId: "AKIDPROCESS",
      SecretAccessKey: SECRET,
      SessionToken: `${SECRET}\n${SECRET}`,
    };
    await Deno.writeTextFile(`${folder}/answer.json`, JSON.stringify(answer));
    await Deno.writeTextFile(
      `${folder}/config`,
      `[profile process]\ncredential_process = cat ${folder}/answer.json\n`,
    );
    await rejects(
      withEnv({ AWS_CONFIG_FILE: `${folder}/config` }, () => searchProfile("process", HERE)),
      { message: NOT_A_KEY },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The response timeout of AWS's code. Its shorter connection timeout must not fire on a busy machine. */
const ANSWER_MS = 8_000;

/** Makes response timeouts, and no others, a hundred times as fast. */
async function withFastTimeouts<Found>(wait: () => Promise<Found>): Promise<Found> {
  const { setTimeout } = globalThis;
  globalThis.setTimeout =
    ((fire: () => void, delayMs = 0) =>
      setTimeout(fire, delayMs >= ANSWER_MS ? delayMs / 100 : delayMs)) as typeof setTimeout;
  try {
    return await wait();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
}

const ROLE = {
  arn: "arn:aws:iam::111122223333:role/adit",
  sessionName: "adit",
  externalId: undefined,
  tags: {},
  durationMs: 3_600_000,
};
const BASE = {
  accessKeyId: "AKIDBASE",
  secretAccessKey: new Secret(SECRET),
  sessionToken: undefined,
  expiresAtMs: undefined,
};

/** Searches that ask STS, with the configuration file that they need. */
const ASKING: Readonly<
  Record<string, readonly [config: string, search: () => Promise<unknown>, expected: RegExp]>
> = {
  "a role of the configuration": ["", () => assumeRole(ROLE, BASE, HERE), /^Error: STS AssumeRole: .*8000/],
  "a role of a profile": [
    `[profile role]\nrole_arn = ${ROLE.arn}\nsource_profile = base\n` +
    `[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = ${SECRET}\n`,
    () => searchProfile("role", HERE),
    /^Error: profile "role": .*8000/,
  ],
};

for (const [name, [config, search, expected]] of Object.entries(ASKING)) {
  Deno.test(`a search ends if STS does not respond: ${name}`, async () => {
    const silent = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Promise(() => {}));
    const path = await Deno.makeTempFile({ prefix: "adit-search-" });
    await Deno.writeTextFile(path, config);
    const env = {
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${silent.addr.port}`,
      AWS_CONFIG_FILE: path,
      AWS_MAX_ATTEMPTS: "1",
    };
    try {
      await rejects(withEnv(env, () => withFastTimeouts(search)), expected);
    } finally {
      await Deno.remove(path);
      void silent.shutdown();
    }
  });
}

/** Environments without credentials, with the reasons that the default chain gives; "" for a file that does not exist. */
const NOWHERE: readonly (readonly [config: string, env: Readonly<Record<string, string>>, reason: RegExp])[] =
  [
    [
      "",
      {},
      /^environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; profile "default": the shared files have no credentials for it; web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set; EC2 instance: not used, because AWS_EC2_METADATA_DISABLED is set$/,
    ],
    [
      "",
      { AWS_ACCESS_KEY_ID: "AKIDENV" },
      /^environment: AWS_SECRET_ACCESS_KEY is not set; profile "default": /,
    ],
    [
      "",
      { ...PAIR, AWS_PROFILE: "prodd" },
      /^environment: not used, because AWS_PROFILE is set; profile "prodd": .*; web identity: /,
    ],
    [
      "",
      { AWS_WEB_IDENTITY_TOKEN_FILE: "/nonexistent/token", AWS_ROLE_ARN: ROLE.arn },
      /; web identity: ENOENT.*$/,
    ],
    [
      "",
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.1.1/credentials" },
      /; container: URL not accepted/,
    ],
    [
      `[default]\ncredential_process = echo ${SECRET} >&2; exit 1\n`,
      {},
      /; profile "default": the command of credential_process failed; web identity: /,
    ],
    [
      `[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n` +
      `[sso-session corp]\nsso_start_url = https://corp.test/start\nsso_region = us-east-1\n`,
      {},
      /; profile "default": .*$/,
    ],
  ];

for (const [config, env, reason] of NOWHERE) {
  const name = `${JSON.stringify(env)}${config === "" ? "" : ` and ${JSON.stringify(config)}`}`;
  Deno.test(`the default chain says why each step had no result: ${name}`, async () => {
    const path = await Deno.makeTempFile({ prefix: "adit-search-" });
    try {
      await Deno.writeTextFile(path, config);
      const variables = config === "" ? env : { ...env, AWS_CONFIG_FILE: path };
      await rejects(withEnv(variables, () => searchDefaultChain(HERE)), (error) => {
        match(reasonOf(error), reason);
        doesNotMatch(String(error), new RegExp(SECRET));
        return true;
      });
    } finally {
      await Deno.remove(path);
    }
  });
}
