/** Sample requests by API. */

import type { JsonObject } from "../../base/json.ts";
import type { TryForm } from "../contract/contract.ts";

const PROMPT = "Say hello in five languages.";
const MAX_TOKENS = 300;

interface Row {
  /** The member in a model's APIs. */
  readonly api: string;
  readonly form: (model: string) => TryForm;
}

const ROWS: readonly Row[] = [
  {
    api: "chat",
    form: (model) => {
      const body = { model, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: PROMPT }] };
      return {
        name: "OpenAI Chat Completions",
        dialect: "openai",
        path: "/v1/chat/completions",
        stream_path: "/v1/chat/completions",
        body,
        stream_body: { ...body, stream: true, stream_options: { include_usage: true } },
      };
    },
  },
  {
    api: "responses",
    form: (model) => {
      const body = { model, max_output_tokens: MAX_TOKENS, input: PROMPT };
      return {
        name: "OpenAI Responses",
        dialect: "openai",
        path: "/v1/responses",
        stream_path: "/v1/responses",
        body,
        stream_body: { ...body, stream: true },
      };
    },
  },
  {
    api: "messages",
    form: (model) => {
      const body = { model, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: PROMPT }] };
      return {
        name: "Anthropic Messages",
        dialect: "anthropic",
        path: "/v1/messages",
        stream_path: "/v1/messages",
        body,
        stream_body: { ...body, stream: true },
      };
    },
  },
  {
    api: "embeddings",
    form: (model) => ({
      name: "OpenAI Embeddings",
      dialect: "openai",
      path: "/v1/embeddings",
      stream_path: null,
      body: { model, input: PROMPT },
      stream_body: null,
    }),
  },
  {
    api: "rerank",
    form: (model) => ({
      name: "Cohere Rerank",
      dialect: "cohere",
      path: "/v2/rerank",
      stream_path: null,
      body: { model, query: "greetings", documents: ["Hello", "Goodbye", "Five"] },
      stream_body: null,
    }),
  },
  {
    api: "converse",
    form: (model) => {
      const id = encodeURIComponent(model);
      const body = {
        messages: [{ role: "user", content: [{ text: PROMPT }] }],
        inferenceConfig: { maxTokens: MAX_TOKENS },
      };
      return {
        name: "Bedrock Converse",
        dialect: "bedrock",
        path: `/model/${id}/converse`,
        stream_path: `/model/${id}/converse-stream`,
        body,
        stream_body: body,
      };
    },
  },
];

/** The forms of a model's APIs, or all forms if no model is chosen. */
export function tryForms(model: string, apis: JsonObject | undefined): readonly TryForm[] {
  // Models with chat also have Bedrock's Converse API.
  const has = (api: string) => apis === undefined || (api === "converse" ? "chat" : api) in apis;
  return ROWS.filter(({ api }) => has(api)).map(({ form }) => form(model));
}
