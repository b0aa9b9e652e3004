/** Secrets do not come out by accident, whichever way a value is printed. */

import { equal } from "node:assert/strict";
import { inspect } from "node:util";
import { REDACTED, Secret } from "../../lib/base/secret.ts";

const SECRET = new Secret("hunter2");

const WAYS: Readonly<Record<string, () => string | undefined>> = {
  "string conversion": () => String(SECRET),
  "a template": () => `key ${SECRET}`,
  "concatenation": () => "key " + SECRET,
  "JSON": () => JSON.stringify({ key: SECRET }),
  "node's inspect": () => inspect({ key: SECRET }, { showHidden: true, depth: 9 }),
  "Deno's inspect": () => Deno.inspect({ key: SECRET }, { depth: 9 }),
  "its own members": () => JSON.stringify(Object.entries(SECRET)) + REDACTED,
};

for (const [way, print] of Object.entries(WAYS)) {
  Deno.test(`a secret is redacted by ${way}`, () => {
    const text = print() ?? "";
    equal(text.includes("hunter2"), false, text);
    equal(text.includes(REDACTED), true, text);
  });
}

Deno.test("reveal gives the value", () => equal(SECRET.reveal(), "hunter2"));
