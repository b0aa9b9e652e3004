/** A whole answer as the events of a stream, for callers that stream from models that cannot. */

import { jsonText } from "../../base/json_text/json_text.ts";
import type { ConverseResponse, ResponseBlock } from "../../wire/bedrock/converse.ts";
import type { BlockDelta, ConverseEvent } from "../../wire/bedrock/converse_stream.ts";

/** The events in which ConverseStream would have sent the same message. */
export function converseEvents(response: ConverseResponse): ConverseEvent[] {
  const { content, stopReason, usage, ...extras } = response;
  return [
    { type: "messageStart" },
    ...content.flatMap(blockEvents),
    { type: "messageStop", stopReason },
    { type: "metadata", usage, ...extras },
  ];
}

function blockEvents(block: ResponseBlock, index: number): ConverseEvent[] {
  const deltas = (...list: readonly BlockDelta[]) =>
    list.map((delta): ConverseEvent => ({ type: "contentBlockDelta", index, delta }));
  const stop: ConverseEvent = { type: "contentBlockStop", index };
  switch (block.type) {
    case "text":
      return [...deltas({ type: "text", text: block.text }), stop];
    case "citations":
      return [
        ...deltas(
          { type: "text", text: block.text },
          ...block.citations.map((citation): BlockDelta => ({ type: "citation", citation })),
        ),
        stop,
      ];
    case "toolUse": {
      const { toolUseId, name } = block;
      const input = jsonText(block.input);
      return [
        { type: "contentBlockStart", index, start: { type: "toolUse", toolUseId, name } },
        ...deltas({ type: "toolInput", input }),
        stop,
      ];
    }
    case "reasoningText":
      return [
        ...deltas(
          { type: "reasoningText", text: block.text },
          ...(block.signature === undefined
            ? []
            : [{ type: "signature", signature: block.signature } satisfies BlockDelta]),
        ),
        stop,
      ];
    case "redactedContent":
      return [...deltas({ type: "redactedContent", data: block.data }), stop];
    case "unknown":
      return [{ type: "contentBlockStart", index, start: { type: "unknown", name: block.name } }, stop];
  }
}
