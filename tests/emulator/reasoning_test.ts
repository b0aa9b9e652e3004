/** Which models reason by default, and how much of it they return. */

import assert from "node:assert/strict";
import { ask, NEW_CLAUDE, pathOf, postTo } from "./harness.ts";

const OPUS_5 = "us.anthropic.claude-opus-5";
const SONNET_5_5 = "us.anthropic.claude-sonnet-5-5";
const SONNET_4_6 = "us.anthropic.claude-sonnet-4-6";
const GPT = "us.openai.gpt-5.6-sol";

interface Reasoning {
  readonly reasoningText?: { readonly text: string; readonly signature?: string };
  readonly redactedContent?: string;
}

interface Block {
  readonly text?: string;
  readonly reasoningContent?: Reasoning;
}

type Content = readonly Block[];

async function contentOf(model: string, body: object): Promise<Content> {
  const response = await postTo()(pathOf(model, "converse"), body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const { output }: { output: { message: { content: Content } } } = JSON.parse(text);
  return output.message.content;
}

/** The reasoning in a response. */
function kindOf(content: Content): string {
  const reasoning = content.find(({ reasoningContent }) => reasoningContent !== undefined)?.reasoningContent;
  if (reasoning === undefined) return "none";
  if (reasoning.redactedContent !== undefined) return "redacted";
  assert.ok(reasoning.reasoningText?.signature);
  return reasoning.reasoningText.text === "" ? "signature" : "text";
}

const adaptive = { type: "adaptive" };

const CASES: readonly [what: string, model: string, thinking: object | undefined, kind: string][] = [
  ["Opus 5 reasons by default, without its text", OPUS_5, undefined, "signature"],
  ["Opus 5 returns the text on request", OPUS_5, { ...adaptive, display: "summarized" }, "text"],
  ["Opus 5 can be told not to reason", OPUS_5, { type: "disabled" }, "none"],
  ["Sonnet 5.5 reasons only between tools", SONNET_5_5, { type: "between_tools" }, "none"],
  ["Opus 4.8 reasons only on request", NEW_CLAUDE, undefined, "none"],
  ["Opus 4.8 reasons without its text", NEW_CLAUDE, adaptive, "signature"],
  ["Sonnet 4.6 returns the text by default", SONNET_4_6, adaptive, "text"],
  ["Sonnet 4.6 omits the text on request", SONNET_4_6, { ...adaptive, display: "omitted" }, "signature"],
  ["GPT-5.6 returns its reasoning redacted", GPT, undefined, "redacted"],
];

for (const [what, model, thinking, kind] of CASES) {
  Deno.test(what, async () => {
    const additionalModelRequestFields = thinking === undefined ? {} : { thinking };
    assert.equal(
      kindOf(await contentOf(model, { messages: [ask("hi")], additionalModelRequestFields })),
      kind,
    );
  });
}

for (const model of [OPUS_5, GPT]) {
  Deno.test(`${model} accepts its own reasoning back`, async () => {
    const content = await contentOf(model, { messages: [ask("hi")] });
    const messages = [ask("hi"), { role: "assistant", content }, ask("so?")];
    assert.notEqual(kindOf(await contentOf(model, { messages })), "none");
  });
}
