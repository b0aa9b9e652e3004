/** Random Chat requests that are valid for their model, and the texts in them that must not get lost. */

import { Buffer } from "node:buffer";
import type { JsonObject, JsonValue } from "../../lib/base/json.ts";
import { PNG } from "../fakes/image_host.ts";
import type { Random } from "../suites/random.ts";

/** What a request for a model may hold without being refused for it. */
export interface FuzzModel {
  readonly id: string;
  readonly media: ReadonlySet<"document" | "image" | "video">;
  /** Whether it accepts Anthropic's `thinking`. */
  readonly thinks: boolean;
  /** Members allowed in `additionalModelRequestFields`; a text goes into the innermost one. */
  readonly ownField: readonly string[];
}

export interface FuzzRequest {
  readonly body: JsonObject;
  /** Where each text is, without indexes; the text is a word that occurs once. */
  readonly texts: ReadonlyMap<string, string>;
}

/** A request; `thoughts` are thinking blocks that the model accepts back. */
export function randomChatRequest(
  random: Random,
  { model, thoughts }: { readonly model: FuzzModel; readonly thoughts: readonly JsonObject[] },
): FuzzRequest {
  return new RequestWriter(random, model, thoughts).write();
}

const ALPHABET = [...'abc XYZ019 \n\t"\\/<>{}[]é漢😀\u0000\u2028'];
const TOOL_NAMES = ["get_weather", "get.time of day", "名前", `long_${"x".repeat(70)}`, "a", "b-2"];
const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"];

type Choice = "absent" | "auto" | "none" | "one" | "required" | "some";

class RequestWriter {
  readonly #texts = new Map<string, string>();
  readonly #marks: { left: number };
  #calls = 0;

  constructor(
    private readonly random: Random,
    private readonly model: FuzzModel,
    private readonly thoughts: readonly JsonObject[],
  ) {
    this.#marks = { left: random.below(5) };
  }

  write(): FuzzRequest {
    const tools = this.#once(2) ? this.#distinct(TOOL_NAMES, 3) : [];
    const choice = tools.length === 0 ? "absent" : this.#choice();
    const offered = this.#offered(tools, choice);
    const body = {
      model: "model",
      messages: this.#messages(tools),
      ...(tools.length > 0 && { tools: tools.map((name) => this.#tool(name, offered.includes(name))) }),
      ...this.#toolChoice(choice, offered),
      ...this.#sampling(),
      ...this.#answerShape(),
      ...this.#bedrock(),
      ...this.#withoutEffect(),
    };
    // Parts that were written and not taken have texts, too.
    const sent = JSON.stringify(body);
    return { body, texts: new Map([...this.#texts].filter(([word]) => sent.includes(word))) };
  }

  /** True once in so many times. */
  #once(inTimes: number): boolean {
    return this.random.below(inTimes) === 0;
  }

  #distinct<T>(items: readonly T[], atMost: number): T[] {
    return [...new Set(Array.from({ length: 1 + this.random.below(atMost) }, () => this.random.pick(items)))];
  }

  /** Text around a word of its own, which is noted with its path. */
  #text(path: string): string {
    return `${this.random.text(ALPHABET, 8)}${this.#word(path)}${this.random.text(ALPHABET, 8)}`;
  }

  #word(path: string): string {
    const word = `w${this.#texts.size}q`;
    this.#texts.set(word, path);
    return word;
  }

  #messages(tools: readonly string[]): JsonObject[] {
    const messages: JsonObject[] = [];
    const rounds = 1 + this.random.below(3);
    for (let round = 0; round < rounds; round++) {
      if (this.#once(2)) messages.push(this.#system());
      messages.push(this.#user());
      if (round === rounds - 1 && this.#once(2)) continue;
      messages.push(...(this.#once(2) ? this.#toolRound(tools) : [this.#assistant(), this.#user()]));
    }
    return messages;
  }

  #system(): JsonObject {
    const role = this.random.pick(["system", "developer"]);
    return { role, content: this.#words("messages[].content"), ...this.#mark() };
  }

  #user(): JsonObject {
    const parts = Array.from({ length: 1 + this.random.below(3) }, () => this.#part());
    const content = this.#once(2)
      ? this.#text("messages[].content")
      : [...parts, { type: "text", text: this.#text("messages[].content[].text"), ...this.#mark() }];
    return { role: "user", content, ...(this.#once(6) && { name: this.#word("messages[].name") }) };
  }

  #assistant(): JsonObject {
    const content = this.#words("messages[].content");
    const reasoning_content = this.#once(4) ? this.#text("messages[].reasoning_content") : null;
    const refusal = this.#once(6) ? this.#text("messages[].refusal") : null;
    return { role: "assistant", content, reasoning_content, refusal, ...this.#mark() };
  }

  /** Calls and all their results, then perhaps a word of the user. */
  #toolRound(tools: readonly string[]): JsonObject[] {
    const names = tools.length > 0 ? tools : TOOL_NAMES;
    const calls = Array.from({ length: 1 + this.random.below(3) }, () => this.#call(this.random.pick(names)));
    const results = calls.map(({ id }): JsonObject => ({
      role: "tool",
      tool_call_id: id ?? "",
      content: this.#result(),
      ...(this.#once(4) && { is_error: true }),
    }));
    const assistant = {
      role: "assistant",
      content: this.#once(2) ? null : this.#text("messages[].content"),
      tool_calls: calls,
      ...(this.thoughts.length > 0 && this.#once(2) && { thinking_blocks: this.thoughts.map(this.#thought) }),
      ...(this.#once(4) && this.#unsigned()),
    };
    const ordered = this.#once(2) ? results : results.toReversed();
    return [assistant, ...ordered, ...(this.#once(2) ? [this.#user()] : [])];
  }

  #result(): JsonValue {
    if (this.#once(4)) return "";
    if (!this.model.media.has("image") || this.#once(2)) return this.#words("messages[].content");
    return [this.#image(), { type: "text", text: this.#text("messages[].content[].text") }];
  }

  #unsigned(): JsonObject {
    const thinking = this.#text("messages[].thinking_blocks[]");
    return { thinking_blocks: [this.#thought({ type: "thinking", thinking })] };
  }

  readonly #thought = (block: JsonObject): JsonObject => ({
    ...block,
    ...this.#extra("messages[].thinking_blocks[]"),
  });

  #call(name: string): JsonObject {
    const id = `call_${this.#calls++}${this.#once(3) ? `|${"y".repeat(80)}` : ""}`;
    const path = "messages[].tool_calls[].function.arguments";
    const text = this.#once(4) ? "" : JSON.stringify({ place: this.#text(path), n: [1, null, { a: true }] });
    return { id, type: "function", function: { name, arguments: text } };
  }

  /** A text, or parts of text with blank ones among them. */
  #words(path: string): JsonValue {
    if (this.#once(2)) return this.#text(path);
    const parts = Array.from({ length: 1 + this.random.below(2) }, (): JsonObject => ({
      type: "text",
      text: this.#text(`${path}[].text`),
      ...this.#mark(),
    }));
    return this.#once(3) ? [{ type: "text", text: this.random.pick(["", " "]) }, ...parts] : parts;
  }

  #part(): JsonObject {
    const kind = this.random.pick([...this.model.media, "text" as const]);
    switch (kind) {
      case "text":
        return { type: "text", text: this.#text("messages[].content[].text") };
      case "image":
        return this.#image();
      case "video":
        return { type: "video_url", video_url: { url: dataUrl("video/mp4", PNG) } };
      case "document": {
        const filename = `${this.#word("messages[].content[].file.filename")}.txt`;
        const data = Buffer.from(this.random.text(ALPHABET, 9) + "x");
        return { type: "file", file: { filename, file_data: dataUrl("text/plain", data) } };
      }
    }
  }

  #image(): JsonObject {
    return { type: "image_url", image_url: { url: dataUrl("image/png", PNG), detail: "low" } };
  }

  #mark(): JsonObject {
    if (this.#marks.left === 0 || !this.#once(4)) return {};
    this.#marks.left--;
    return { cache_control: { type: "ephemeral", ...(this.#once(2) && { ttl: "1h" }) } };
  }

  #choice(): Choice {
    return this.random.pick(["absent", "absent", "auto", "none", "one", "required", "some"]);
  }

  /** The tools that the model may call: a request need not mention others. */
  #offered(tools: readonly string[], choice: Choice): readonly string[] {
    switch (choice) {
      case "none":
        return [];
      case "one":
      case "some":
        return tools.slice(0, 1);
      case "absent":
      case "auto":
      case "required":
        return tools;
    }
  }

  #tool(name: string, isOffered: boolean): JsonObject {
    const text = (path: string) => isOffered ? this.#text(path) : "of no use";
    const parameters = {
      type: "object",
      properties: { place: { type: "string", description: text("tools[].function.parameters") } },
    };
    return {
      type: "function",
      function: {
        name,
        ...(this.#once(2) && { description: text("tools[].function.description") }),
        ...(this.#once(4) ? {} : { parameters }),
        ...(this.#once(4) && { strict: true }),
      },
      ...this.#mark(),
    };
  }

  #toolChoice(choice: Choice, offered: readonly string[]): JsonObject {
    const tools = (path: string) =>
      offered.map((name): JsonObject => ({
        type: "function",
        function: { name, ...this.#extra(`${path}.function`) },
        ...this.#extra(path),
      }));
    switch (choice) {
      case "absent":
        return {};
      case "auto":
      case "none":
      case "required":
        return { tool_choice: choice };
      case "one":
        return { tool_choice: tools("tool_choice")[0] ?? null };
      case "some":
        return {
          tool_choice: {
            type: "allowed_tools",
            allowed_tools: {
              mode: "auto",
              tools: tools("tool_choice.allowed_tools.tools[]"),
              ...this.#extra("tool_choice.allowed_tools"),
            },
            ...this.#extra("tool_choice"),
          },
        };
    }
  }

  /** Sometimes a member that nobody knows, of the object at the path. */
  #extra(path: string): JsonObject {
    return this.#once(6) ? { extra: this.#word(`${path}.extra`) } : {};
  }

  #sampling(): JsonObject {
    return {
      ...(this.#once(3) && { temperature: this.random.pick([0, 0.5, 1]) }),
      ...(this.#once(4) && { top_p: this.random.pick([0.1, 1]) }),
      ...(this.#once(8) && { top_k: 5 }),
      ...(this.#once(3) && { max_tokens: 1 + this.random.below(4000) }),
      ...(this.#once(4) && { stop: this.#once(2) ? this.#word("stop") : [this.#word("stop"), "\n"] }),
      ...(this.#once(3) && { reasoning_effort: this.random.pick(EFFORTS) }),
      ...(this.model.thinks && this.#once(6) && { thinking: { type: "enabled", budget_tokens: 1024 } }),
      ...(this.#once(3) && { parallel_tool_calls: this.#once(2) }),
    };
  }

  #answerShape(): JsonObject {
    const path = "response_format";
    const schema = () => ({
      type: "object",
      properties: { a: { type: "string", description: this.#text(path) } },
    });
    return {
      ...(this.#once(2) && { stream: true, stream_options: { include_usage: this.#once(2) } }),
      ...(this.#once(4) && {
        response_format: {
          ...(this.#once(3) ? { type: "json_object", ...(this.#once(2) && { schema: schema() }) } : {
            type: "json_schema",
            json_schema: { name: this.#word(path), schema: schema(), strict: true },
          }),
          ...this.#extra(path),
        },
      }),
    };
  }

  #bedrock(): JsonObject {
    const own = this.model.ownField.reduceRight<JsonValue>(
      (inner, name) => ({ [name]: inner }),
      this.#once(8) && this.model.ownField.length > 0 ? this.#word("additionalModelRequestFields") : "x",
    );
    return {
      ...(this.#once(6) && { metadata: { team: this.#word("metadata") } }),
      ...(this.#once(6) && { requestMetadata: { env: this.#word("requestMetadata") } }),
      ...(this.#once(6) && { service_tier: this.random.pick(["auto", "default", "flex", "priority"]) }),
      ...(this.#once(6) && { performanceConfig: { latency: "optimized" } }),
      ...(this.#once(6) && { promptVariables: { v: { text: this.#text("promptVariables") } } }),
      ...(this.#once(6) && { additionalModelResponseFieldPaths: [`/${this.#word("paths")}`] }),
      ...(this.#once(6) && {
        guardrailConfig: {
          guardrailIdentifier: this.#word("guardrailConfig"),
          guardrailVersion: "1",
          trace: "enabled",
        },
      }),
      ...(typeof own === "object" && { additionalModelRequestFields: own }),
    };
  }

  #withoutEffect(): JsonObject {
    const names = ["user", "safety_identifier", "prompt_cache_key", "verbosity", `x_${this.random.below(9)}`];
    const name = this.random.pick(names);
    return {
      ...(this.#once(3) && { [name]: this.#text(name) }),
      ...(this.#once(6) && { prediction: { type: "content", content: this.#text("prediction") } }),
      ...(this.#once(6) && { seed: 7, logit_bias: { "50256": -100 }, store: true, n: 1 }),
    };
  }
}

function dataUrl(mediaType: string, bytes: Uint8Array): string {
  return `data:${mediaType};base64,${Buffer.from(bytes).toString("base64")}`;
}
