/** The requests of the benchmark, as coding agents send them: tools, and a conversation of their calls and results. */

/** How the upstream streams its response, selected by the model in the request. */
export type Pace = "even" | "burst" | "paced";

export interface RequestOptions {
  /** The approximate size, and at least this one. */
  readonly bytes: number;
  readonly pace: Pace;
}

/** Name and id of the model that streams at the pace. */
export function modelOf(pace: string): string {
  return `bench.${pace}`;
}

const TOOL_PARAMETERS = {
  type: "object",
  properties: {
    path: { type: "string", description: "Path of the file, relative to the repository" },
    from: { type: "integer", description: "First line to read, from 1" },
    count: { type: "integer", description: "How many lines to read" },
  },
  required: ["path"],
};
const TOOL = { name: "read_file", description: "Reads lines of a file" };
const SYSTEM = "You are a careful programmer. Read before you write, and run the tests.";
const LINE = "export function settle(call: Call, error?: AditError): void { call.finish(error); }\n";

/** A Chat Completions request. */
export function chatBody({ bytes, pace }: RequestOptions, stream: boolean): string {
  return grow(bytes, (turns) => ({
    model: modelOf(pace),
    max_tokens: 1024,
    stream,
    tools: [{ type: "function", function: { ...TOOL, parameters: TOOL_PARAMETERS } }],
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: "Make the tests pass." },
      ...turns.flatMap((text, index) => [
        {
          role: "assistant",
          content: "I read on.",
          tool_calls: [{
            id: `call_${index}`,
            type: "function",
            function: { name: TOOL.name, arguments: JSON.stringify({ path: `lib/file${index}.ts` }) },
          }],
        },
        { role: "tool", tool_call_id: `call_${index}`, content: text },
      ]),
    ],
  }));
}

/** A Messages request. */
export function messagesBody({ bytes, pace }: RequestOptions, stream: boolean): string {
  return grow(bytes, (turns) => ({
    model: modelOf(pace),
    max_tokens: 1024,
    stream,
    system: SYSTEM,
    tools: [{ ...TOOL, input_schema: TOOL_PARAMETERS }],
    messages: [
      { role: "user", content: "Make the tests pass." },
      ...turns.flatMap((text, index) => [
        {
          role: "assistant",
          content: [{
            type: "tool_use",
            id: `call_${index}`,
            name: TOOL.name,
            input: { path: `lib/file${index}.ts` },
          }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: `call_${index}`, content: text }] },
      ]),
    ],
  }));
}

/** A Converse request. */
export function converseBody({ bytes }: RequestOptions): string {
  return grow(bytes, (turns) => ({
    system: [{ text: SYSTEM }],
    inferenceConfig: { maxTokens: 1024 },
    messages: [{
      role: "user",
      content: [{ text: "Make the tests pass." }, ...turns.map((text) => ({ text }))],
    }],
  }));
}

/** The request with as many turns as its size requires, each with 4 KB of text. */
function grow(bytes: number, build: (turns: readonly string[]) => unknown): string {
  const turns: string[] = [];
  let body = JSON.stringify(build(turns));
  while (body.length < bytes) {
    const missing = bytes - body.length;
    turns.push(LINE.repeat(Math.max(1, Math.floor(Math.min(missing, 4096) / LINE.length))));
    body = JSON.stringify(build(turns));
  }
  return body;
}
