/** Anthropic's own client for tests of the real program, and the models that it uses. */

import Anthropic from "@anthropic-ai/sdk";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, type Program, startProgram } from "./program.ts";

export const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
export const NOVA = "amazon.nova-lite-v1:0";

/** A Claude by InvokeModel, the same by Converse, and a Nova: together they cover every kind of model. */
const SUBJECTS = {
  claude: { id: CLAUDE },
  "claude-converse": { id: CLAUDE, api: "converse" },
  nova: { id: NOVA },
} as const;

export type Subject = keyof typeof SUBJECTS;

export const ALL = Object.keys(SUBJECTS) as Subject[];

/** The subjects with Claude, which thinks. */
export const CLAUDES = ["claude", "claude-converse"] as const satisfies readonly Subject[];

export interface ModelEntry {
  readonly id: string;
  readonly api?: string;
}

/** The subjects and more models on the built-in emulator, and the caller `demo` who may use all. */
export function messagesConfig(models: Readonly<Record<string, ModelEntry>> = {}, extra = ""): string {
  const entries = Object.entries({ ...SUBJECTS, ...models }).map(([name, entry]) =>
    `  ${name}: ${JSON.stringify({ provider: "local", ...entry })}`
  );
  return `providers:
  local: { type: emulator }
models:
${entries.join("\n")}
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
${extra}`;
}

export function clientOf(
  { url }: Program,
  options: ConstructorParameters<typeof Anthropic>[0] = {},
): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0, ...options });
}

export interface ClientTestOptions {
  readonly models?: Readonly<Record<string, ModelEntry>>;
  /** More of the configuration. */
  readonly extra?: string;
}

/** Registers a test for each runtime, with a program and a client of its own. */
export function clientTest(
  name: string,
  test: (client: Anthropic, program: Program, context: Deno.TestContext) => Promise<void>,
  { models, extra }: ClientTestOptions = {},
): void {
  forEachRuntime(`messages: ${name}`, async (runtime, context) => {
    await using program = await startProgram(runtime, messagesConfig(models, extra));
    await test(clientOf(program), program, context);
  });
}

/** One message of the user. */
export function ask(content: Anthropic.MessageParam["content"]): Anthropic.MessageParam[] {
  return [{ role: "user", content }];
}

/** The text of an answer, its blocks joined. */
export function textOf({ content }: { readonly content: readonly { readonly type: string }[] }): string {
  return content.map((block) => "text" in block && block.type === "text" ? block.text : "").join("");
}

export const WEATHER = {
  name: "get_weather",
  description: "Tells the weather",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
} as const satisfies Anthropic.Tool;

export const TIME = {
  ...WEATHER,
  name: "get_time",
  description: "Tells the time",
} as const satisfies Anthropic.Tool;
