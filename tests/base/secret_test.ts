/** Secrets do not come out by accident, whichever way a value is printed. */

import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { sealingKey, useSealingKey } from "../../lib/base/seal.ts";
import { REDACTED, seal, Secret, unseal } from "../../lib/base/secret.ts";

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

Deno.test("reveal returns the value", () => equal(SECRET.reveal(), "hunter2"));

Deno.test("a sealed secret is plain data that survives a clone, and says nothing in print", () => {
  for (const value of ["hunter2", "", "ü\n".repeat(5_000)]) {
    const sealed = structuredClone(seal(value));
    equal(unseal(sealed).reveal(), value);
    equal(Object.getPrototypeOf(sealed), Object.prototype);
    const printed = JSON.stringify(sealed) + inspect(sealed) +
      atob(sealed.sealed.replaceAll("-", "+").replaceAll("_", "/"));
    equal(value !== "" && printed.includes(value), false);
  }
});

Deno.test("equal secrets are sealed alike, so that settings can be compared, and others are not", () => {
  deepEqual(seal("hunter2"), seal("hunter2"));
  notEqual(seal("hunter2").sealed, seal("hunter3").sealed);
  notEqual(seal("hunter2").sealed.slice(0, 16), seal("hunter3").sealed.slice(0, 16), "the nonce");
});

Deno.test("what was changed, cut or sealed elsewhere is not opened", () => {
  const { sealed } = seal("hunter2");
  const other = sealed.startsWith("A") ? "B" : "A";
  for (const bad of ["", "hunter2", sealed.slice(4), sealed.slice(0, -4), other + sealed.slice(1)]) {
    throws(() => unseal({ sealed: bad }), /Cannot open a secret/, bad);
  }
});

Deno.test("the key of the process is made once and never replaced", () => {
  const key = sealingKey();
  useSealingKey(key.slice());
  throws(() => useSealingKey(key.map((byte) => byte ^ 1)), /Cannot change the sealing key/);
  throws(() => useSealingKey(key.slice(1)), RangeError);
});
