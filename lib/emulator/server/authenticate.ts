/** Authentication of the emulator's clients: signatures by its access keys, and its API keys. */

import type { ReceivedRequest } from "../../aws/sigv4/canonical.ts";
import { verifySignature } from "../../aws/sigv4/verify.ts";
import { checkShortTermKey, SHORT_TERM_PREFIX } from "./api_key.ts";
import type { EmulatorCredentials } from "./credentials.ts";
import { BedrockException } from "./exception.ts";

export interface AccessRules {
  readonly credentials: readonly EmulatorCredentials[];
  readonly apiKeys: readonly string[];
  /** The region that signatures must have; default: any. */
  readonly region: string | undefined;
}

/** The region of a long-term API key, which does not contain one. */
const DEFAULT_REGION = "us-east-1";

/**
 * The region that the request was signed for. Throws AWS's error if the request is unsigned, incorrectly signed, or
 * has an invalid API key.
 */
export function authenticate(request: ReceivedRequest, rules: AccessRules, nowMs: number): string {
  const bearer = /^Bearer\s+(.*)$/i.exec(request.headers.get("authorization") ?? "");
  if (bearer !== null) return checkApiKey(bearer[1] ?? "", rules, nowMs);
  const result = verifySignature(request, {
    nowMs,
    findSecret: (id) => rules.credentials.find(({ accessKeyId }) => accessKeyId === id),
    ...(rules.region === undefined ? {} : { region: rules.region }),
  });
  if (!result.ok) throw new BedrockException(result.error.name, result.error.message);
  return result.region;
}

function checkApiKey(key: string, { credentials, apiKeys, region }: AccessRules, nowMs: number): string {
  if (apiKeys.includes(key)) return region ?? DEFAULT_REGION;
  if (!key.startsWith(SHORT_TERM_PREFIX)) {
    throw refused(
      key.startsWith("ABSK")
        ? "Authentication failed: Please make sure your API Key is valid."
        : "Invalid API Key format: Must start with pre-defined prefix",
    );
  }
  const check = checkShortTermKey(key, { credentials, nowMs });
  if (check.ok && check.region === (region ?? check.region)) return check.region;
  throw refused(
    !check.ok && check.problem === "expired"
      ? "Bearer Token has expired"
      : "Authentication failed: Please make sure your API Key is valid.",
  );
}

function refused(message: string): BedrockException {
  return new BedrockException("AccessDeniedException", message, { capital: true });
}
