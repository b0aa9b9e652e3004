/** Reads our server-sent events with Anthropic's own client. */

import Anthropic from "@anthropic-ai/sdk";
import type { JsonObject } from "../../lib/base/json.ts";

/** The message that `client.messages.stream` builds from the events; throws the client's errors. */
export async function accumulateMessage(sse: string): Promise<JsonObject> {
  const client = new Anthropic({
    apiKey: "unused",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(sse, { headers: { "content-type": "text/event-stream" } })),
  });
  const stream = client.messages.stream({
    model: "any",
    max_tokens: 1,
    messages: [{ role: "user", content: "?" }],
  });
  const message: JsonObject = JSON.parse(JSON.stringify(await stream.finalMessage()));
  // The client's own addition, for structured output.
  const { parsed_output: _, ...rest } = message;
  return { ...rest, content: (rest.content as JsonObject[]).map(({ parsed_output: _, ...block }) => block) };
}
