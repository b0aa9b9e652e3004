/** Reads the text of a Responses stream as strictly as the strictest client. */

import assert from "node:assert/strict";
import type { OutputItem, ResponseObject, TextPart } from "../../lib/wire/openai/responses_answer.ts";
import { compact } from "./sse_chunks.ts";

/** An event of a stream; which members it has depends on its type. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly output_index: number;
  readonly item_id: string;
  readonly item: OutputItem;
  readonly part: TextPart;
  readonly delta: string;
  readonly text: string;
  readonly arguments: string;
  readonly input: string;
  readonly annotation: TextPart["annotations"][number];
  readonly annotation_index: number;
  readonly response: ResponseObject;
  readonly code: string;
  readonly message: string;
}

/** The events, each named by its type and numbered in order. */
export function readResponseEvents(sse: string): ResponseEvent[] {
  assert.ok(sse === "" || sse.endsWith("\n\n"), "the last event is complete");
  return sse.split("\n\n").slice(0, -1).map((text, index) => {
    const [, name, data] = /^event: ([^\n]*)\ndata: ([^\n]*)$/.exec(text) ?? [];
    assert.ok(data !== undefined, `an event is a name and one line of data: ${text}`);
    const event: ResponseEvent = JSON.parse(data);
    assert.equal(event.type, name, "the name is the type");
    assert.equal(event.sequence_number, index, "events are numbered from 0");
    return event;
  });
}

/** The response that the stream ends with; fails where the stream breaks a rule that a client relies on. */
export function accumulateResponse(sse: string): ResponseObject {
  const events = readResponseEvents(sse).filter(({ type }) => type !== "keepalive");
  const [created, inProgress, ...rest] = events;
  assert.equal(created?.type, "response.created");
  assert.equal(inProgress?.type, "response.in_progress");
  assert.deepEqual([created?.response.status, created?.response.output], ["in_progress", []]);
  const last = rest.pop();
  assert.ok(last !== undefined, "the stream has an end");
  assert.match(last.type, /^response\.(?:completed|incomplete|failed)$/);
  assert.equal(last.type, `response.${last.response.status}`);
  if (last.type === "response.failed") {
    const error = rest.pop();
    assert.equal(error?.type, "error", "an error event comes before the failed response");
    assert.equal(error?.message, last.response.error?.message);
  }
  const items = new Items();
  for (const event of rest) items.add(event);
  assert.deepEqual(last.response.output, items.done, "the last event has all items");
  if (last.type !== "response.failed") assert.equal(items.open, undefined, "every item is done");
  const { id, created_at, model } = last.response;
  assert.deepEqual(
    { id, created_at, model },
    { id: created?.response.id, created_at: created?.response.created_at, model: created?.response.model },
  );
  return last.response;
}

/** The item whose events are being read. */
interface OpenItem {
  readonly item: OutputItem;
  text: string;
  /** Whether the part for the text was announced, and whether it was ended. */
  part: "none" | "added" | "done";
  hasAllText: boolean;
  readonly annotations: unknown[];
}

class Items {
  readonly done: OutputItem[] = [];
  open: OpenItem | undefined;

  add(event: ResponseEvent): void {
    if (event.type === "response.output_item.added") return this.#begin(event);
    const { open } = this;
    assert.ok(open !== undefined, `${event.type} has an open item`);
    assert.equal(event.output_index, this.done.length, "events are about the open item");
    if (event.type === "response.output_item.done") return this.#end(event, open);
    assert.equal(event.item_id, open.item.id, "the id of an item never changes");
    READERS[event.type]?.(open, event) ?? assert.fail(`unknown event ${event.type}`);
  }

  #begin({ item, output_index }: ResponseEvent): void {
    assert.equal(this.open, undefined, "items come one after another");
    assert.equal(output_index, this.done.length, "items are numbered");
    assert.equal(item.status, "in_progress");
    assert.ok(this.done.every(({ id }) => id !== item.id), "ids are unique");
    this.open = { item, text: "", part: "none", hasAllText: false, annotations: [] };
  }

  #end({ item }: ResponseEvent, { item: begun, text, part, hasAllText, annotations }: OpenItem): void {
    const { id, type } = item;
    assert.deepEqual({ id, type }, { id: begun.id, type: begun.type });
    assert.notEqual(item.status, "in_progress");
    switch (item.type) {
      case "message":
        assert.equal(part, "done");
        assert.deepEqual(item.content, [{ type: "output_text", text, annotations, logprobs: [] }]);
        break;
      case "reasoning":
        assert.notEqual(part, "added");
        assert.deepEqual(item.summary, text === "" ? [] : [{ type: "summary_text", text }]);
        break;
      case "function_call":
        assert.deepEqual([item.arguments, hasAllText], [text, true]);
        break;
      case "custom_tool_call":
        assert.deepEqual([item.input, hasAllText], [text, true]);
        break;
      case "tool_search_call":
        assert.equal(typeof item.arguments, "object");
        break;
    }
    this.done.push(item);
    this.open = undefined;
  }
}

type Reader = (open: OpenItem, event: ResponseEvent) => true;

const READERS: Readonly<Record<string, Reader>> = {
  "response.content_part.added": (open, { part }) => partAdded(open, "message", part.text),
  "response.output_text.delta": (open, { delta }) => textAdded(open, "message", delta),
  "response.output_text.annotation.added": (open, { annotation, annotation_index }) => {
    assert.equal(annotation_index, open.annotations.push(annotation) - 1);
    return true;
  },
  "response.output_text.done": (open, { text }) => textDone(open, text),
  "response.content_part.done": (open, { part }) => partDone(open, part.text),
  "response.reasoning_summary_part.added": (open, { part }) => partAdded(open, "reasoning", part.text),
  "response.reasoning_summary_text.delta": (open, { delta }) => textAdded(open, "reasoning", delta),
  "response.reasoning_summary_text.done": (open, { text }) => textDone(open, text),
  "response.reasoning_summary_part.done": (open, { part }) => partDone(open, part.text),
  "response.function_call_arguments.delta": (open, { delta }) => textAdded(open, "function_call", delta),
  "response.function_call_arguments.done": (open, event) => textDone(open, event.arguments),
  "response.custom_tool_call_input.delta": (open, { delta }) => textAdded(open, "custom_tool_call", delta),
  "response.custom_tool_call_input.done": (open, { input }) => textDone(open, input),
};

function partAdded(open: OpenItem, type: OutputItem["type"], text: string): true {
  assert.deepEqual([open.item.type, open.part, text], [type, "none", ""]);
  open.part = "added";
  return true;
}

function textAdded(open: OpenItem, type: OutputItem["type"], delta: string): true {
  const hasParts = type === "message" || type === "reasoning";
  assert.deepEqual([open.item.type, open.part], [type, hasParts ? "added" : "none"]);
  assert.notEqual(delta, "", "no delta is empty");
  assert.equal(open.hasAllText, false);
  assert.ok(delta.isWellFormed());
  open.text += delta;
  return true;
}

function textDone(open: OpenItem, text: string): true {
  assert.deepEqual([open.text, open.hasAllText], [text, false]);
  open.hasAllText = true;
  return true;
}

function partDone(open: OpenItem, text: string): true {
  assert.deepEqual([open.part, open.hasAllText, open.text], ["added", true, text]);
  open.part = "done";
  return true;
}

/** The response with compact JSON in its text and in the arguments of its calls, because models add spaces freely. */
export function withCompactJson(response: ResponseObject): ResponseObject {
  const output = response.output.map((item): OutputItem => {
    switch (item.type) {
      case "function_call":
        return { ...item, arguments: compact(item.arguments) };
      case "message":
        return { ...item, content: item.content.map((part) => ({ ...part, text: compact(part.text) })) };
      default:
        return item;
    }
  });
  return { ...response, output };
}
