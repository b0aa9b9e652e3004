/** Short-term Bedrock API keys, as AWS's own generator makes them. */

import { BedrockTokenGenerator } from "@aws/bedrock-token-generator";
import assert from "node:assert/strict";
import { Secret } from "../../lib/base/secret.ts";
import { EMULATOR_CREDENTIALS } from "../../lib/emulator/server/credentials.ts";
import { createEmulator, type EmulatorOptions } from "../../lib/emulator/emulator.ts";
import { ask, fixedClock, NOVA, pathOf } from "./harness.ts";

const HOUR_MS = 3_600_000;
const PAIR = {
  accessKeyId: EMULATOR_CREDENTIALS.accessKeyId,
  secretAccessKey: EMULATOR_CREDENTIALS.secretAccessKey.reveal(),
};

interface Try {
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly change?: (text: string) => string;
  readonly options?: Partial<EmulatorOptions>;
  readonly laterMs?: number;
}

/** The emulator's response to a request with a new key: 200, or the message of its refusal. */
async function outcomeOf({ credentials = PAIR, change, options = {}, laterMs = 0 }: Try): Promise<unknown> {
  const key = await new BedrockTokenGenerator().getToken(credentials, "eu-west-1");
  const prefix = "bedrock-api-key-";
  const changed = change === undefined ? key : prefix + btoa(change(atob(key.slice(prefix.length))));
  const emulator = createEmulator({ clock: fixedClock(Date.now() + laterMs), ...options });
  const response = await emulator.handle(
    new Request(`http://bedrock${pathOf(NOVA, "converse")}`, {
      method: "POST",
      headers: { authorization: `Bearer ${changed}` },
      body: JSON.stringify({ messages: [ask("hi")] }),
    }),
  );
  const { Message } = await response.json();
  return response.ok ? response.status : Message;
}

const TEMPORARY = { ...EMULATOR_CREDENTIALS, sessionToken: new Secret("token/+=") };
const INVALID = "Authentication failed: Please make sure your API Key is valid.";

const TRIES: Readonly<Record<string, readonly [attempt: Try, outcome: unknown]>> = {
  "a fresh one": [{}, 200],
  "one of temporary credentials": [
    { credentials: { ...PAIR, sessionToken: "token/+=" }, options: { credentials: [TEMPORARY] } },
    200,
  ],
  "one of its region": [{ options: { region: "eu-west-1" } }, 200],
  "one just before twelve hours": [{ laterMs: 12 * HOUR_MS - 5000 }, 200],
  "one of another region": [{ options: { region: "us-east-1" } }, INVALID],
  "one after twelve hours": [{ laterMs: 12 * HOUR_MS + 1000 }, "Bearer Token has expired"],
  "one with a wrong secret": [{ credentials: { ...PAIR, secretAccessKey: "wrong" } }, INVALID],
  "one with an unknown access key id": [{ credentials: { ...PAIR, accessKeyId: "NOBODY" } }, INVALID],
  "one with a session token too many": [{ credentials: { ...PAIR, sessionToken: "t" } }, INVALID],
  "one that claims another region": [{ change: (text) => text.replace("eu-west-1", "us-east-1") }, INVALID],
  "one that claims to last longer": [{ change: (text) => text.replace("=43200", "=99999") }, INVALID],
  "one for another action": [{ change: (text) => text.replace("CallWith", "DoWith") }, INVALID],
  "one for another host": [{ change: (text) => text.replace("bedrock.", "s3.") }, INVALID],
  "something else in its place": [{ change: () => "hello" }, INVALID],
};

for (const [name, [attempt, outcome]] of Object.entries(TRIES)) {
  Deno.test(`short-term API key: ${name} comes to ${outcome}`, async () => {
    assert.equal(await outcomeOf(attempt), outcome);
  });
}
