/** Requests to the program, and how their responses are read. */

import assert from "node:assert/strict";
import { type Frame, FrameDecoder } from "../../lib/codec/eventstream.ts";
import { connectRaw, type RawClient, requestText } from "../fakes/raw_client.ts";
import type { HttpMessage } from "../fakes/http_reader.ts";
import { KEY } from "./configs.ts";
import type { Program } from "./program.ts";

export const AUTHORIZED = { Authorization: `Bearer ${KEY}` } as const;

/** A request by its line, such as `POST /v1/chat/completions`, and its body. */
export interface Ask {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A chat completion for the model `claude`, with these members in addition to the model and one message. */
export function chat(members: Readonly<Record<string, unknown>> = {}): Ask & { readonly body: string } {
  const messages = [{ role: "user", content: "Hello" }];
  return {
    line: "POST /v1/chat/completions",
    body: JSON.stringify({ model: "claude", messages, ...members }),
  };
}

export const CHAT = chat();
export const CHAT_STREAM = chat({ stream: true });
const CONVERSE_BODY = JSON.stringify({ messages: [{ role: "user", content: [{ text: "Hello" }] }] });
export const CONVERSE: Ask = { line: "POST /model/claude/converse", body: CONVERSE_BODY };
export const CONVERSE_STREAM: Ask = { line: "POST /model/claude/converse-stream", body: CONVERSE_BODY };
export const MODELS: Ask = { line: "GET /v1/models" };

/** Opens a connection and sends the request as the caller `demo`, without reading the response. */
export async function begin(url: string, ask: Ask): Promise<RawClient> {
  const client = await connectRaw(url);
  send(client, ask);
  return client;
}

/** Sends a request over a connection. */
export function send(client: RawClient, { line, headers, body }: Ask): void {
  client.send(requestText(line, { ...AUTHORIZED, ...headers }, body));
}

/** The whole response to a request on a new connection. */
export async function ask(url: string, request: Ask): Promise<HttpMessage> {
  await using client = await begin(url, request);
  return await answerOf(client);
}

/**
 * The whole response of a listener that has just replaced another one at its address. The old one closes a moment
 * later, and the system then resets the connections that it has not accepted.
 */
export async function askNew(url: string, request: Ask): Promise<HttpMessage> {
  for (;;) {
    const answer = await ask(url, request).catch(() => undefined);
    if (answer !== undefined) return answer;
  }
}

/** Resolves once nobody listens there: a listener that is replaced closes shortly after the new one is in use. */
export async function refused(url: string): Promise<void> {
  for (;;) {
    const client = await connectRaw(url).catch((error: { code?: string }) => error);
    if (!("socket" in client)) {
      // The system resets connections that the listener had not accepted when it closed.
      if (client.code === "ECONNREFUSED") return;
      assert.equal(client.code, "ECONNRESET");
    } else await client.close();
  }
}

/** The next response on the connection. Throws if the connection is closed instead. */
export async function answerOf(client: RawClient): Promise<HttpMessage> {
  const answer = await client.answer();
  if (answer === undefined) throw new Error("The connection was closed instead of an answer");
  return answer;
}

export function statusOf({ startLine }: HttpMessage): number {
  return Number(startLine.split(" ")[1]);
}

export function textOf({ body }: HttpMessage): string {
  return new TextDecoder().decode(body);
}

/** The parsed body. */
export function jsonOf(answer: HttpMessage) {
  return JSON.parse(textOf(answer));
}

/** The `data:` of each event of a stream of server-sent events, without comments. */
export function eventsOf(answer: HttpMessage): string[] {
  return textOf(answer).split("\n\n").filter((event) => event.startsWith("data: ")).map((event) =>
    event.slice(6)
  );
}

/** The frames of a native stream. */
export function framesOf({ body }: HttpMessage): Frame[] {
  const decoder = new FrameDecoder();
  const frames = [...decoder.push(body)];
  decoder.end();
  return frames;
}

/** The response of the admin listener to a request without a body. */
export async function admin(program: Program, line: string): Promise<{ status: number; body: string }> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(`${program.adminUrl}${path}`, { method });
  return { status: response.status, body: await response.text() };
}

/** The parsed `/-/status`. */
export async function statusReport(program: Program) {
  return JSON.parse((await admin(program, "GET /-/status")).body);
}

/** Resolves once no request is in flight: the last is counted until just after its client has the answer. */
export async function atRest(program: Program): Promise<void> {
  while ((await statusReport(program)).requests_in_flight > 0);
}
