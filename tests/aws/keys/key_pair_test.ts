/** The reason that no key pair was found, as the operator reads it. */

import { equal } from "node:assert/strict";
import { reasonOf } from "../../../lib/aws/keys/key_pair.ts";

const REASONS: readonly (readonly [what: string, error: unknown, reason: string])[] = [
  [
    "an ordinary message",
    new Error("Profile default could not be found"),
    "Profile default could not be found",
  ],
  ["what is below the first line", new Error("STS said no\nhunter2"), "STS said no"],
  [
    "a command and its output",
    new Error("Command failed: sh -c hunter2\nhunter2"),
    "the command of credential_process failed",
  ],
  [
    "an answer that is no JSON, of which the message quotes some",
    parseError('{"SecretAccessKey":"hunter2",}'),
    "the response is not JSON",
  ],
  ["what looks like a token", new Error(`bad token ${"hunter2".repeat(6)}`), "bad token [redacted]"],
  ["nothing", new Error(""), "unknown reason"],
];

function parseError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

for (const [what, error, reason] of REASONS) {
  Deno.test(`why no key pair was found: ${what}`, () => equal(reasonOf(error), reason));
}
