/** A gateway with live traffic: several callers and teams, limits, budgets, failover, and targets that fail. */

import { ok } from "node:assert/strict";
import { keyHash } from "../e2e/configs.ts";
import { awayFromMidnight } from "../fakes/midnight.ts";
import { onFreePorts, type Program, replaceFile, startProgram } from "../e2e/program.ts";

const HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const SONNET = "us.anthropic.claude-sonnet-4-6";

/** The key of a caller. */
export function keyOf(caller: string): string {
  return `adit-page-key-of-${caller}`;
}

export const ADMIN_KEY = "adit-admin-key-0123456789";

/** Texts that a careless page would run; a name of the configuration cannot be such a text, what clients send can. */
export const HOSTILE = `<img src=x onerror=alert(1)>`;

const CALLERS = {
  "search-web": "search",
  "search-batch": "search",
  "support-bot": "support",
  "evaluation": "",
};

export interface WorldOptions {
  /** Where the ledger is kept; without it, there is none. */
  readonly folder?: string | undefined;
  /** More of the configuration. */
  readonly extra?: string;
}

/** The configuration. */
export function configOf({ folder, extra = "" }: WorldOptions): string {
  const callers = Object.entries(CALLERS).map(([name, team]) => {
    const limits = name === "search-batch" ? ", limits: { requests: 12/h }" : "";
    return `  ${name}: { key: "${keyHash(keyOf(name))}", models: ["*"]${
      team && `, team: ${team}`
    }${limits} }\n`;
  });
  const budgets = `budgets:
  search-month: { for: { teams: [search] }, usd: 0.5, window: month }
  everybody: { usd: 250, window: month }
`;
  return `providers:
  east: { type: emulator, region: us-east-1 }
  west: { type: emulator, region: us-west-2 }
models:
  claude-haiku: { provider: east, id: ${HAIKU} }
  claude-sonnet:
    targets:
    - { provider: east, id: ${SONNET}.fault-throttling }
    - { provider: west, id: ${SONNET}, priority: 1 }
  nova-lite: { provider: west, id: us.amazon.nova-lite-v1:0 }
  down: { provider: west, id: ${HAIKU}.fault-unavailable }
  steady: { provider: west, id: ${HAIKU}.fault-slow-first:200, base_model: ${HAIKU} }
  slow: { provider: east, id: ${HAIKU}.fault-stall:3 }
rate_limits:
  tokens-of-a-team: { each: team, tokens: 200k/m, mode: shadow }
callers:
${callers.join("")}${folder === undefined ? "" : `state: { path: ${folder} }\n${budgets}`}${extra}`;
}

/** A program with a ledger in a folder that is removed afterwards; what it counts is all of one day. */
export async function startWorld(extra = ""): Promise<Program> {
  await awayFromMidnight();
  const folder = await Deno.makeTempDir({ prefix: "adit-page-" });
  const program = await startProgram("bun", configOf({ folder, extra }));
  const dispose = program[Symbol.asyncDispose].bind(program);
  return Object.assign(program, {
    [Symbol.asyncDispose]: async () => {
      await dispose();
      await Deno.remove(folder, { recursive: true });
    },
  });
}

/** Writes another configuration, as an editor does. */
export async function edit(program: Program, change: (config: string) => string): Promise<void> {
  const before = await Deno.readTextFile(program.configPath);
  await replaceFile(program.configPath, onFreePorts(change(before)));
}

export interface Asked {
  readonly caller: string;
  readonly model: string;
  readonly stream?: boolean;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request and reads its answer; resolves to the status and the request's id. */
export async function ask(program: Program, asked: Asked): Promise<{ status: number; id: string }> {
  const response = await send(program, asked);
  await response.bytes().catch(() => {});
  return { status: response.status, id: response.headers.get("x-request-id") ?? "" };
}

/** Sends one request; its answer is still to be read. */
export function send({ url }: Program, asked: Asked, signal?: AbortSignal): Promise<Response> {
  const { caller, model, stream = false, text = "Which ores does this level have?", headers = {} } = asked;
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${keyOf(caller)}`, ...headers },
    body: JSON.stringify({ model, stream, max_tokens: 300, messages: [{ role: "user", content: text }] }),
    signal: signal ?? null,
  });
}

/** Traffic of every kind, one request after the other. */
export async function makeTraffic(program: Program): Promise<void> {
  const text = "Describe the rock of each level of the mine, and what the survey says about it. ".repeat(12);
  const plan: readonly (readonly [number, Asked])[] = [
    [14, { caller: "search-web", model: "claude-haiku", text }],
    [9, { caller: "search-web", model: "claude-sonnet", stream: true, text }],
    [18, { caller: "search-batch", model: "claude-haiku" }],
    [8, { caller: "support-bot", model: "nova-lite", stream: true, text }],
    [5, { caller: "evaluation", model: "claude-sonnet", text }],
    [4, { caller: "support-bot", model: "down" }],
    [1, { caller: "support-bot", model: HOSTILE, headers: { "user-agent": `agent ${HOSTILE}` } }],
  ];
  const statuses: number[] = [];
  for (const [times, asked] of plan) {
    for (let n = 0; n < times; n++) statuses.push((await ask(program, asked)).status);
  }
  for (const status of [200, 429, 503, 404]) {
    ok(statuses.includes(status), `no request got ${status}: ${statuses}`);
  }
}
