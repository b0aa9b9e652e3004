/** The emulator as tests use it: in-process with an API key, or behind a socket with AWS's own client. */

import assert from "node:assert/strict";
import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Clock } from "../../lib/base/clock.ts";
import { type Frame, FrameDecoder } from "../../lib/codec/eventstream.ts";
import { decodeUtf8 } from "../../lib/base/bytes.ts";
import { EMULATOR_API_KEY, EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { createEmulator, type EmulatorOptions } from "../../lib/emulator/emulator.ts";

export const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
export const NEW_CLAUDE = "us.anthropic.claude-opus-4-8";
export const OLD_CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0";
export const NOVA = "amazon.nova-lite-v1:0";
export const LLAMA = "us.meta.llama3-3-70b-instruct-v1:0";

export const HANDLERS = ["HTTP/2", "HTTP/1.1"] as const;
export const AUTHENTICATIONS = ["signature", "API key"] as const;

/** Fails a test that leaves a timer or a stream behind; Deno 2.9 does not by itself. */
export const LEAK_CHECKED = { sanitizeOps: true, sanitizeResources: true };

export interface ClientKind {
  readonly handler: (typeof HANDLERS)[number];
  readonly authentication: (typeof AUTHENTICATIONS)[number];
}

/** Runs `work` with AWS's client, which talks to an emulator on a loopback port and never retries. */
export async function withClient(
  kind: ClientKind,
  work: (client: BedrockRuntimeClient) => Promise<void>,
): Promise<void> {
  await withServer({}, async (endpoint) => {
    const client = new BedrockRuntimeClient({
      region: "us-east-1",
      endpoint,
      maxAttempts: 1,
      ...(kind.handler === "HTTP/1.1" ? { requestHandler: new NodeHttpHandler() } : {}),
      ...(kind.authentication === "API key"
        ? { token: { token: EMULATOR_API_KEY.reveal() }, authSchemePreference: ["httpBearerAuth"] }
        : {
          credentials: {
            accessKeyId: EMULATOR_CREDENTIALS.accessKeyId,
            secretAccessKey: EMULATOR_CREDENTIALS.secretAccessKey.reveal(),
          },
        }),
    });
    try {
      await work(client);
    } finally {
      client.destroy();
    }
  });
}

export async function withServer(
  options: Partial<EmulatorOptions>,
  work: (endpoint: string) => Promise<void>,
): Promise<void> {
  const emulator = createEmulator({ clock: fixedClock(Date.now()), ...options });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => emulator.handle(request),
  );
  try {
    await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function fixedClock(startMs: number): ManualClock {
  let elapsed = 0;
  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    advance: (ms) => {
      elapsed += ms;
    },
  };
}

/** Posts to an emulator in this process, with the API key. */
export type Post = (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;

export function postTo(options: Partial<EmulatorOptions> = {}): Post {
  const emulator = createEmulator({ clock: fixedClock(Date.UTC(2026, 10, 20)), ...options });
  return (path, body, headers = {}) =>
    emulator.handle(
      new Request(`http://bedrock${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${EMULATOR_API_KEY.reveal()}`, ...headers },
        body: body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body),
      }),
    );
}

export function pathOf(modelId: string, operation: string): string {
  return `/model/${encodeURIComponent(modelId)}/${operation}`;
}

/** One turn of the user. */
export function ask(text: string): { role: "user"; content: { text: string }[] } {
  return { role: "user", content: [{ text }] };
}

/** A body that is refused; default: by Claude, with status 400. */
export interface RefusedRequest {
  readonly model?: string;
  readonly body: unknown;
  readonly message: RegExp | string;
  readonly status?: number;
}

/** Fails unless each of the operations refuses the body with this message. */
export async function assertRefused(
  operations: readonly string[],
  { model = CLAUDE, body, message, status = 400 }: RefusedRequest,
): Promise<void> {
  const post = postTo();
  for (const operation of operations) {
    const response = await post(pathOf(model, operation), body);
    const text = await messageOf(response);
    assert.equal(response.status, status, text);
    if (typeof message === "string") assert.equal(text, message);
    else assert.match(text, message);
  }
}

/** A body that is accepted; default: by Claude. */
export interface AcceptedRequest {
  readonly model?: string;
  readonly operation?: string;
  readonly body: unknown;
}

/** Fails unless the operation accepts the body; default: Converse. */
export async function assertAccepted(
  { model = CLAUDE, operation = "converse", body }: AcceptedRequest,
): Promise<void> {
  const response = await postTo()(pathOf(model, operation), body);
  assert.equal(response.status, 200, await response.text());
}

/** The `message` of a refusal. */
export async function messageOf(response: Response): Promise<string> {
  const body: { message?: string; Message?: string } = await response.json();
  return body.message ?? body.Message ?? "";
}

export async function framesOf(response: Response): Promise<Frame[]> {
  const decoder = new FrameDecoder();
  const frames = decoder.push(new Uint8Array(await response.arrayBuffer()));
  decoder.end();
  return frames;
}

export function payloadOf(frame: Frame): string {
  return decodeUtf8(frame.payload);
}
