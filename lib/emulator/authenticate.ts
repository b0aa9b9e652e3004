/** Who may use the emulator: holders of its access keys, by signature, and of its API keys. */

import type { ReceivedRequest } from "../aws/canonical.ts";
import { verifySignature } from "../aws/verify.ts";
import type { EmulatorCredentials } from "./credentials.ts";
import { BedrockException } from "./exception.ts";

export interface AccessRules {
  readonly credentials: readonly EmulatorCredentials[];
  readonly apiKeys: readonly string[];
  /** The region that signatures must name; any when left out. */
  readonly region: string | undefined;
}

const KEY_PREFIXES = ["ABSK", "bedrock-api-key-"];

/** Throws as AWS answers a request that is not signed, wrongly signed, or carries a wrong API key. */
export function authenticate(request: ReceivedRequest, rules: AccessRules, nowMs: number): void {
  const bearer = /^Bearer\s+(.*)$/i.exec(request.headers.get("authorization") ?? "");
  if (bearer !== null) {
    checkApiKey(bearer[1] ?? "", rules.apiKeys);
    return;
  }
  const result = verifySignature(request, {
    nowMs,
    findSecret: (id) => rules.credentials.find(({ accessKeyId }) => accessKeyId === id),
    ...(rules.region === undefined ? {} : { region: rules.region }),
  });
  if (!result.ok) throw new BedrockException(result.error.name, result.error.message);
}

function checkApiKey(key: string, known: readonly string[]): void {
  if (known.includes(key)) return;
  const message = KEY_PREFIXES.some((prefix) => key.startsWith(prefix))
    ? "Authentication failed: Please make sure your API Key is valid."
    : "Invalid API Key format: Must start with pre-defined prefix";
  throw new BedrockException("AccessDeniedException", message, { capital: true });
}
