/**
 * boto3 in front of the real program. It is not installed for this: where Python finds it (Debian's python3-boto3), it is
 * tried, and where not, a note says so.
 */

import assert from "node:assert/strict";
import { repositoryPath } from "../repository.ts";
import { reportSkipped } from "../skipped.ts";
import { KEY } from "./configs.ts";
import { CLAUDE, NATIVE_CONFIG, NOVA, PAIR } from "./native_config.ts";
import { forEachRuntime, startProgram } from "./program.ts";

/** The version that Python would import, or undefined where there is none. */
async function boto3Version(): Promise<string | undefined> {
  try {
    const { success, stdout } = await python(["-c", "import boto3; print(boto3.__version__)"], {});
    return success ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function python(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: [...args],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: "/nonexistent",
      AWS_EC2_METADATA_DISABLED: "true",
      ...env,
    },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

const IDENTITIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a bearer token": { AWS_BEARER_TOKEN_BEDROCK: KEY },
  "a signature": { AWS_ACCESS_KEY_ID: PAIR.accessKeyId, AWS_SECRET_ACCESS_KEY: PAIR.secretAccessKey },
};

const HELLO = [{ text: "hello there" }];
const RESULTS = {
  "Converse amazon": HELLO,
  "ConverseStream amazon": "hello there",
  "Converse claude": HELLO,
  "ConverseStream claude": "hello there",
  "Converse arn:aw": HELLO,
  "ConverseStream arn:aw": "hello there",
  InvokeModel: [{ type: "text", ...HELLO[0] }],
  InvokeModelWithResponseStream: "message_stop",
  ApplyGuardrail: "GUARDRAIL_INTERVENED",
  StartAsyncInvoke: "arn:aws:bedrock:us-east-1:000000",
  ListAsyncInvokes: ["InProgress"],
  "refusal of Bedrock": ["ThrottlingException", 429],
  "refusal of Adit": ["AccessDeniedException", 403],
  "broken stream": ["modelStreamErrorException"],
};

const WRONG_PAIR = { AWS_ACCESS_KEY_ID: PAIR.accessKeyId, AWS_SECRET_ACCESS_KEY: "x".repeat(40) };

const version = await boto3Version();
if (version === undefined) {
  reportSkipped("boto3", "it is not installed");
} else {
  for (const [identity, env] of Object.entries(IDENTITIES)) {
    forEachRuntime(`boto3 ${version} with ${identity}: every operation that it has`, async (runtime) => {
      await using program = await startProgram(runtime, NATIVE_CONFIG);
      assert.deepEqual(await callAll(`${program.url}/bedrock`, env), RESULTS);
    });
  }
  forEachRuntime(`boto3 ${version} with a wrong secret shows the refusal of AWS`, async (runtime) => {
    await using program = await startProgram(runtime, NATIVE_CONFIG);
    const results = await callAll(program.url, WRONG_PAIR);
    assert.deepEqual(results["InvokeModel"], ["InvalidSignatureException", 403]);
  });
}

async function callAll(
  endpoint: string,
  env: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await python([repositoryPath("tests/e2e/fixtures/boto3_client.py")], {
    ...env,
    CLAUDE,
    NOVA,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint,
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
}
