/** Cohere's Embed requests as read: what is refused, and what is reported as ignored. */

import assert from "node:assert/strict";
import { parseEmbedRequest } from "../../../lib/wire/cohere/embed.ts";

const IMAGE = "data:image/png;base64,iVBORw0KGgo=";

function withContent(...content: readonly object[]) {
  return { model: "m", input_type: "search_document", inputs: [{ content: [...content] as never }] };
}

Deno.test("every field that has no effect is reported, also inside the inputs", () => {
  const { request } = parseEmbedRequest({
    ...withContent({ type: "text", text: "a" }, {
      type: "image_url",
      image_url: { url: IMAGE, detail: "low" },
    }),
    priority: 1,
  });
  assert.deepEqual(request.inputs, [{ path: "inputs[0]", text: "a", image: IMAGE }]);
  assert.deepEqual(request.otherFields, ["priority", "inputs[].content[].image_url.detail"]);
});

Deno.test("an input needs text or an image, and has at most one image", () => {
  const image = { type: "image_url", image_url: { url: IMAGE } };
  for (const content of [[], [{ type: "text", text: "" }], [image, image]]) {
    assert.throws(() => parseEmbedRequest(withContent(...content)), {
      kind: "invalid_request",
      message: "inputs[0].content: expected text, an image or both",
    });
  }
});
