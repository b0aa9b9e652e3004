/** AWS's own client, with the program as its endpoint. */

import { BedrockRuntimeClient, type BedrockRuntimeClientConfig } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { KEY } from "./configs.ts";
import { PAIR } from "./native_config.ts";
import type { Program, RuntimeName } from "./program.ts";

export const HANDLERS = ["HTTP/2", "HTTP/1.1"] as const;
export const IDENTITIES = ["a bearer token", "a signature"] as const;

export interface ClientKind {
  readonly handler: (typeof HANDLERS)[number];
  readonly identity: (typeof IDENTITIES)[number];
  /** Appended to the program's URL. */
  readonly base?: string;
  readonly options?: Partial<BedrockRuntimeClientConfig>;
}

/** The settings of a client of the program. */
export function configFor({ url }: Program, { handler, identity, base = "", options }: ClientKind) {
  return {
    region: "us-east-1",
    endpoint: url + base,
    maxAttempts: 1,
    ...(handler === "HTTP/1.1" && { requestHandler: new NodeHttpHandler() }),
    ...(identity === "a signature"
      ? { credentials: PAIR }
      : { token: { token: KEY }, authSchemePreference: ["httpBearerAuth"] }),
    ...options,
  };
}

/** Runs `work` with a client of the program, which is closed afterwards. */
export async function withClient(
  program: Program,
  kind: ClientKind,
  work: (client: BedrockRuntimeClient) => Promise<void>,
): Promise<void> {
  const client = new BedrockRuntimeClient(configFor(program, kind));
  try {
    await work(client);
  } finally {
    client.destroy();
  }
}

/** For Converse. */
export const messages = [{ role: "user" as const, content: [{ text: "reply with: hello there" }] }];
/** The same for InvokeModel. */
export const CLAUDE_BODY = JSON.stringify({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: 100,
  messages: [{ role: "user", content: "reply with: hello there" }],
});

/** The AWS SDK sends GOAWAY when a response begins, and Deno 2.9.6 then drops the rest of the response. */
export function truncatesStreams(runtime: RuntimeName, handler: (typeof HANDLERS)[number]): boolean {
  return runtime === "deno" && handler === "HTTP/2";
}
