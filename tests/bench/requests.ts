/** The requests of the benchmark, as coding agents send them: tools, and a conversation of their calls and results. */

/** How the upstream behaves to a request, told by the model that it names. */
export type Pace = "even" | "burst" | "paced";

export interface RequestOptions {
  /** At least this large, and little larger. */
  readonly bytes: number;
  readonly pace: Pace;
}

/** Name and id of the model whose answers come at the pace. */
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

/** A chat request in OpenAI's words. */
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

/** A Messages request in Anthropic's words. */
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

/** A Converse request in Bedrock's own. */
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

/** The request with as many turns as its size asks for, 4 KB of text in each. */
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
