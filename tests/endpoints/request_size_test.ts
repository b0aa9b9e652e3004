/** The size of a request in every dialect: text, images and documents, and the limit on the response. */

import { deepEqual, ok } from "node:assert/strict";
import type { JsonObject } from "../../lib/base/json.ts";
import { requestSize } from "../../lib/endpoints/request_size.ts";

const DATA = "A".repeat(4000);
const TEXT = "word ".repeat(200);

interface Case {
  readonly name: string;
  readonly body: JsonObject;
  readonly images?: number;
  readonly documentBytes?: number;
  readonly max?: number;
}

const CASES: readonly Case[] = [
  {
    name: "Chat",
    body: {
      max_completion_tokens: 70,
      messages: [{
        role: "user",
        content: [
          { type: "text", text: TEXT },
          { type: "image_url", image_url: { url: `data:image/png;base64,${DATA}` } },
          { type: "image_url", image_url: { url: "https://images.test/a.png" } },
          { type: "file", file: { filename: "a.pdf", file_data: DATA } },
        ],
      }],
    },
    images: 2,
    documentBytes: 3000,
    max: 70,
  },
  {
    name: "Responses",
    body: {
      max_output_tokens: 5,
      input: [{
        role: "user",
        content: [{ type: "input_text", text: TEXT }, {
          type: "input_image",
          image_url: `data:image/png;base64,${DATA}`,
        }],
      }],
    },
    images: 1,
    max: 5,
  },
  {
    name: "Messages",
    body: {
      max_tokens: 9,
      messages: [{
        role: "user",
        content: [
          { type: "text", text: TEXT },
          { type: "image", source: { type: "base64", media_type: "image/png", data: DATA } },
          { type: "document", source: { type: "base64", media_type: "application/pdf", data: DATA } },
        ],
      }],
    },
    images: 1,
    documentBytes: 3000,
    max: 9,
  },
  {
    name: "a tool with a parameter called image, which is none",
    body: {
      tools: [{
        name: "f",
        input_schema: { properties: { image: { type: "string", description: TEXT } } },
      }],
    },
  },
  {
    name: "Messages with a document of text",
    body: { messages: [{ content: [{ type: "document", source: { type: "text", data: TEXT } }] }] },
  },
  {
    name: "Converse",
    body: {
      inferenceConfig: { maxTokens: 8 },
      messages: [{
        role: "user",
        content: [
          { text: TEXT },
          { image: { format: "png", source: { bytes: DATA } } },
          { document: { name: "a", format: "pdf", source: { bytes: DATA } } },
        ],
      }],
    },
    images: 1,
    documentBytes: 3000,
    max: 8,
  },
  { name: "Llama's own body", body: { prompt: TEXT, max_gen_len: 3 }, max: 3 },
  { name: "Titan's own body", body: { inputText: TEXT, textGenerationConfig: { maxTokenCount: 4 } }, max: 4 },
];

for (const { name, body, images = 0, documentBytes = 0, max } of CASES) {
  Deno.test(`size of a request: ${name}`, () => {
    const size = requestSize(body);
    deepEqual([size.images, size.documentBytes, size.maxOutputTokens], [images, documentBytes, max]);
    ok(size.textBytes >= 1000 && size.textBytes < 1200, `${size.textBytes} bytes of text`);
  });
}
