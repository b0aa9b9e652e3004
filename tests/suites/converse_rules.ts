/** Rules of Converse that its schema does not contain, collected from the service's refusals. */

import assert from "node:assert/strict";
import type { ConverseRequest } from "../../lib/wire/bedrock/converse.ts";

/** Fails where Bedrock would answer a request with a ValidationException. */
export function assertObeysConverse(request: ConverseRequest): void {
  const { messages, toolConfig, system = [] } = request;
  assert.equal(messages[0]?.role, "user", "the first turn is the user's");
  for (const [index, { role, content }] of messages.entries()) {
    assert.notEqual(role, messages[index - 1]?.role, `turn ${index} alternates`);
    if (role === "system") {
      assert.equal(messages[index - 1]?.role, "user", `the system text of turn ${index} follows the user's`);
      assert.notEqual(
        messages[index + 1]?.role,
        "user",
        `the system text of turn ${index} ends the user's turn`,
      );
    }
    assert.ok(content.length > 0, `turn ${index} is not empty`);
  }
  const blocks = messages.flatMap(({ content }) => content);
  const results = blocks.flatMap((block) => "toolResult" in block ? [block.toolResult] : []);
  for (const block of [...blocks, ...system, ...results.flatMap(({ content }) => content)]) {
    if ("text" in block) assert.notEqual(block.text.trim(), "", "no text is blank");
  }
  for (const { content } of results) assert.ok(content.length > 0, "no tool result is empty");
  for (const [index, { content }] of messages.entries()) {
    const called = (messages[index - 1]?.content ?? []).flatMap((block) =>
      "toolUse" in block ? [block.toolUse.toolUseId] : []
    );
    const answered = content.flatMap((block) => "toolResult" in block ? [block.toolResult.toolUseId] : []);
    assert.ok(
      answered.every((id) => called.includes(id)),
      `the results of turn ${index} answer the turn before`,
    );
    assert.equal(new Set(answered).size, answered.length, "no call has two results");
  }
  const tools = (toolConfig?.tools ?? []).flatMap((tool) => "toolSpec" in tool ? [tool.toolSpec] : []);
  const calls = blocks.flatMap((block) => "toolUse" in block ? [block.toolUse] : []);
  if (calls.length + results.length > 0) assert.ok(toolConfig !== undefined, "tool blocks need a toolConfig");
  assert.equal(new Set(tools.map(({ name }) => name)).size, tools.length, "no two tools share a name");
  for (const { name } of [...tools, ...calls]) assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/);
  for (const { toolUseId } of [...calls, ...results]) assert.match(toolUseId, /^[a-zA-Z0-9_.:-]{1,64}$/);
  for (const { inputSchema: { json } } of tools) {
    assert.equal(json.type, "object", "a tool's schema is that of an object");
    assert.ok(json.required === undefined || Array.isArray(json.required), "what is required is a list");
  }
  const { tool_choice: native } = request.additionalModelRequestFields ?? {};
  assert.ok(native === undefined || toolConfig?.toolChoice === undefined, "there is one choice of tools");
  const ids = calls.map(({ toolUseId }) => toolUseId);
  assert.equal(new Set(ids).size, ids.length, "no two calls share an id");

  const names = blocks.flatMap((block) => "document" in block ? [block.document.name] : []);
  assert.equal(new Set(names).size, names.length, "no two documents share a name");
  for (const name of names) assert.match(name, /^(?!.* {2})[A-Za-z0-9 ()[\]-]{1,200}$/);

  const lists: readonly (readonly object[])[] = [
    system,
    toolConfig?.tools ?? [],
    ...messages.map(({ content }) => content),
  ];
  assert.ok(lists.flat().filter((item) => "cachePoint" in item).length <= 4, "at most four cache points");
  for (const list of lists) {
    for (const [index, item] of list.entries()) {
      if (!("cachePoint" in item)) continue;
      const before = list[index - 1];
      assert.ok(before !== undefined && !("cachePoint" in before), "a cache point follows something");
      assert.ok(!("reasoningContent" in before), "no cache point follows reasoning");
    }
  }
}
