/** Redacted thinking comes back to Bedrock byte for byte. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { redactedBlob, redactedData } from "../../../lib/wire/anthropic/redacted.ts";

Deno.test("Claude's own data is what Anthropic's API calls data", () => {
  const data = "EmwKAhgBEgy3va3pzix/LafPsn4a";
  assert.equal(redactedData(Buffer.from(data).toString("base64")), data);
});

Deno.test("any blob makes the round trip", () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("base64");
  for (const blob of ["", "AA==", "/+8=", every]) {
    const json = JSON.parse(JSON.stringify({ data: redactedData(blob) }));
    assert.equal(redactedBlob(json.data), blob);
  }
});
