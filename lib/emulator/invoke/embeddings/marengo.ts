/** TwelveLabs' Marengo, without its asynchronous inputs; it reports no token counts. */

import { z } from "zod";
import type { JsonValue } from "../../../base/json.ts";
import { parseShape } from "../../converse/issues.ts";
import type { Embedded, Embedder } from "./embedder.ts";
import { meanOf, vectorOf } from "./vectors.ts";

const mediaSource = z.strictObject({ base64String: z.string().min(1) });

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-marengo.html */
const secondRequest = z.discriminatedUnion("inputType", [
  z.strictObject({
    inputType: z.literal("text"),
    inputText: z.string().min(1),
    textTruncate: z.enum(["end", "none"]).optional(),
  }),
  z.strictObject({ inputType: z.literal("image"), mediaSource }),
]);

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-marengo-3.html */
const thirdRequest = z.discriminatedUnion("inputType", [
  z.strictObject({
    inputType: z.literal("text"),
    text: z.strictObject({ inputText: z.string().min(1) }),
  }),
  z.strictObject({ inputType: z.literal("image"), image: z.strictObject({ mediaSource }) }),
  z.strictObject({
    inputType: z.literal("text_image"),
    text_image: z.strictObject({ inputText: z.string().min(1), mediaSource }),
  }),
]);

export const MARENGO: readonly Embedder[] = [
  { id: "twelvelabs.marengo-embed-2-7-v1:0", embed: embedSecond },
  { id: "twelvelabs.marengo-embed-3-0-v1:0", embed: embedThird },
];

function embedSecond(body: JsonValue | undefined): Embedded {
  const request = parseShape(secondRequest, body ?? {});
  return embedded(
    request.inputType === "text" ? [request.inputText] : [request.mediaSource.base64String],
    1024,
  );
}

function embedThird(body: JsonValue | undefined): Embedded {
  const request = parseShape(thirdRequest, body ?? {});
  switch (request.inputType) {
    case "text":
      return embedded([request.text.inputText], 512);
    case "image":
      return embedded([request.image.mediaSource.base64String], 512);
    case "text_image":
      return embedded([request.text_image.inputText, request.text_image.mediaSource.base64String], 512);
  }
}

function embedded(parts: readonly string[], size: number): Embedded {
  const embedding = meanOf(parts.map((part) => vectorOf(part, size)));
  return { inputTokens: undefined, body: { data: [{ embedding }] } };
}
