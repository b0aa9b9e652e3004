/** A host with its own sources of credentials, and a Bedrock that accepts only signatures by those. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { createEmulator } from "../../lib/emulator/emulator.ts";
import { type AwsIdentity, type KnownPair, startAwsIdentity } from "../fakes/aws_identity.ts";
import { KEY, keyHash } from "./configs.ts";
import type { Program } from "./program.ts";

/** The emulator as a Bedrock of its own, which accepts only signatures by the identity's pairs. */
function startBedrock(identity: AwsIdentity, clock: Clock) {
  const signers: string[] = [];
  const expired = new Set<string>();
  const { handle } = createEmulator({ clock, credentials: identity.pairs });
  const answer = async (request: Request): Promise<Response> => {
    const [, signer = ""] = /Credential=([^/]+)\//.exec(request.headers.get("authorization") ?? "") ?? [];
    signers.push(signer);
    if (!expired.has(signer)) return await handle(request);
    await request.body?.cancel();
    return Response.json({ message: "The security token included in the request is expired" }, {
      status: 403,
      headers: { "x-amzn-errortype": "ExpiredTokenException" },
    });
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    /** The server's handler, for a server with another name. */
    answer,
    /** Access key ids of the requests so far. */
    signers,
    /** Access key ids that are refused as expired. */
    expired,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/** What the files of a case may refer to. */
export interface Surroundings {
  readonly identity: AwsIdentity;
  /** A folder of the case, which is also the program's home. */
  readonly home: string;
}

/** A home folder with the files, the sources of credentials, and the Bedrock that accepts them. */
export async function setUp(
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
    /** With these, the program does not find credentials of the machine that runs the tests. */
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

export function configFor(endpoint: string, credentials: string): string {
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

export async function ask(
  program: Program,
  model = "nova",
  key = KEY,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
  });
  return { status: response.status, text: await response.text() };
}

interface CredentialStatus {
  readonly source: string;
  readonly expires_at?: string;
  readonly last_error?: string;
}

export async function statusText(program: Program): Promise<string> {
  return await (await fetch(`${program.adminUrl}/-/status`)).text();
}

export async function statusOf(program: Program, provider = "east"): Promise<CredentialStatus | undefined> {
  return JSON.parse(await statusText(program)).credentials[provider];
}

export const ROLE = "arn:aws:iam::111122223333:role/adit";

/** A section of the shared files with a key pair. */
export function section(header: string, { accessKeyId, secretAccessKey }: KnownPair): string {
  return `[${header}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

export function envPair({ accessKeyId, secretAccessKey }: KnownPair) {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

export async function reload(program: Program): Promise<void> {
  const response = await fetch(`${program.adminUrl}/-/reload`, { method: "POST" });
  assert.equal(response.status, 200, await response.text());
}
