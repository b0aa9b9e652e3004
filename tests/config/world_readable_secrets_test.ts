/** Warnings about secrets in world-readable files. */

import { deepEqual, match } from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";

const PAIR = "access_key_id: AKIDEXAMPLE, secret_access_key: hunter2";
const CALLER_PAIR =
  "access_key_id: ADITEXAMPLE0123456789, secret_access_key: hunter2hunter2hunter2hunter2hunter2";
const KEY = `sha256:${"a".repeat(64)}`;

const PEM = selfSignedCertificate();
const block = (text: string) => `|\n${text.trim().replace(/^/gm, "    ")}\n`;

const provider = (credentials: string) =>
  `providers:\n  east: { type: bedrock, region: us-east-1, credentials: { ${credentials} } }\n` +
  `callers:\n  team: { key: "${KEY}", native: [us-east-1] }\n`;

/** Paths of the warnings for a file with this mode; null for a system without modes. */
async function exposed(text: string, mode: number | null = 0o644): Promise<readonly string[]> {
  const loaded = await loadConfig("/etc/adit/adit.yaml", {
    readFile: (path) =>
      path === "/etc/adit/adit.yaml"
        ? Promise.resolve(encodeUtf8(text))
        : Promise.resolve(encodeUtf8("hunter2-from-a-file")),
    modeOf: () => Promise.resolve(mode ?? undefined),
    env: { ID: "AKIDEXAMPLE", SECRET: "hunter2-from-env", CREDENTIALS_DIRECTORY: "/run/credentials" },
  });
  deepEqual(loaded.ok ? [] : loaded.problems, []);
  for (const { message } of loaded.warnings) {
    match(message, /^this secret is in a world-readable file \(mode [0-7]{3}\); /);
  }
  return loaded.warnings.map(({ path }) => path);
}

const SECRETS: readonly (readonly [what: string, text: string, paths: readonly string[]])[] = [
  ["a key pair", provider(PAIR), ["providers.east.credentials.secret_access_key"]],
  [
    "a session token",
    provider(`${PAIR}, session_token: hunter2`),
    ["providers.east.credentials.secret_access_key", "providers.east.credentials.session_token"],
  ],
  ["an API key", provider("api_key: hunter2"), ["providers.east.credentials.api_key"]],
  [
    "a JSON object as text",
    provider(`json: '{"accessKeyId": "A", "secretAccessKey": "hunter2"}'`),
    ["providers.east.credentials.json"],
  ],
  [
    "a JSON object as it is",
    provider("json: { accessKeyId: A, secretAccessKey: hunter2, region: us-east-1 }"),
    ["providers.east.credentials.json.secretAccessKey"],
  ],
  ["the default of a reference", provider('api_key: "${env:UNSET:-hunter2}"'), [
    "providers.east.credentials.api_key",
  ]],
  ["a text with a reference in it", provider('api_key: "hunter2${env:UNSET:-}"'), [
    "providers.east.credentials.api_key",
  ]],
  ["a text behind a reference", provider('api_key: "${env:SECRET}hunter2"'), [
    "providers.east.credentials.api_key",
  ]],
  [
    "a text with a reference in a JSON object",
    provider('json: { accessKeyId: A, secretAccessKey: "hunter2${env:UNSET:-}" }'),
    ["providers.east.credentials.json.secretAccessKey"],
  ],
  [
    "a caller's key pair",
    provider("profile: prod") + `  other: { aws: { ${CALLER_PAIR} }, native: [us-east-1] }\n`,
    ["callers.other.aws.secret_access_key"],
  ],
  [
    "a private key with text before it",
    `${provider("profile: prod")}tls:\n  certificate: ${block(PEM.certificate)}  key: ${
      block(`For HOST\n${PEM.key}`)
    }`,
    ["tls.key"],
  ],
];

for (const [what, text, paths] of SECRETS) {
  Deno.test(`a secret in a file that everybody can read is warned about: ${what}`, async () => {
    deepEqual(await exposed(text), paths);
  });
}

Deno.test("only files that everybody can read are a warning; group access is the operator's choice", async () => {
  const modes = [0o600, 0o400, 0o640, 0o440, 0o700, 0o602, 0o611, null];
  for (const mode of modes) deepEqual(await exposed(provider("api_key: hunter2"), mode), [], String(mode));
  for (const mode of [0o604, 0o644, 0o664, 0o444, 0o755]) {
    deepEqual((await exposed(provider("api_key: hunter2"), mode)).length, 1, String(mode));
  }
});

Deno.test("a file without secrets may be read by everybody", async () => {
  const harmless = [
    'access_key_id: "${env:ID}", secret_access_key: "${file:secret}"',
    'access_key_id: AKIDEXAMPLE, secret_access_key: "${credential:secret}"',
    'api_key: "${env:ID}${file:secret}"',
    // An empty default is not a secret.
    'access_key_id: AKIDEXAMPLE, secret_access_key: "${file:secret}", session_token: "${env:SECRET:-}"',
    'json: { accessKeyId: A, secretAccessKey: "${env:SECRET}" }',
    "profile: prod",
    'role: { arn: "arn:aws:iam::111122223333:role/adit", external_id: "search:7" }',
    "caller: true",
  ];
  for (const credentials of harmless) deepEqual(await exposed(provider(credentials)), [], credentials);
});

Deno.test("the mode of an included file counts for its own secrets", async () => {
  const folder = await mkdtemp(join(tmpdir(), "adit-exposed-"));
  try {
    const main = join(folder, "adit.yaml");
    const included = join(folder, "secret.yaml");
    await writeFile(main, `include: secret.yaml\ncallers:\n  team: { key: "${KEY}", native: [us-east-1] }\n`);
    await writeFile(
      included,
      "providers:\n  east: { type: bedrock, region: us-east-1, credentials: { api_key: hunter2 } }\n",
    );
    await chmod(main, 0o644);
    const warnings = async () => (await loadConfig(main, { readFile, env: {} })).warnings;
    await chmod(included, 0o600);
    deepEqual(await warnings(), []);
    await chmod(included, 0o644);
    deepEqual((await warnings()).map(({ file, line, column }) => [file, line, column]), [[included, 2, 69]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
