/**
 * Requests that the caller has signed for AWS, passed through to a provider without credentials of its own.
 */

import { type Authorization, parseAuthorization } from "../../aws/sigv4/verify.ts";
import { AditError } from "../../base/errors.ts";
import type { Target } from "../../snapshot/plan.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";
import { isForwarded, pickHeaders } from "./headers.ts";
import type { NativeCall } from "./routes.ts";

/** Signed headers that the provider's connection sends by itself, with the same value. */
const IMPLIED: ReadonlySet<string> = new Set([":authority", "content-length", "host"]);

/** Headers that cannot reach AWS as signed: those of one connection, and keys meant for Adit only. */
const UNFORWARDABLE =
  /^(?:accept-encoding|api-key|cf-aig-.*|connection|cookie|expect|forwarded|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|x-api-key|x-forwarded-.*|:.*)$/;

/**
 * The call with path, signed headers and body as received. It is only valid for the provider: a signature for another
 * region or service is refused here, and one for another host is refused by AWS. Throws AWS's own errors.
 */
export function signedByCaller({ match, target, headers, body }: NativeCall, to: Target): UpstreamCall {
  const authorization = readAuthorization(headers);
  checkScope(authorization, to);
  if (to.settings !== undefined && to.modelId !== match.values[0]) {
    throw new AditError(
      "invalid_request",
      "a request signed for AWS must use the model's Bedrock id, not its name in the gateway",
    );
  }
  return {
    operation: match.operation,
    body,
    headers: signedHeaders(headers, authorization),
    signedPath: pathBelowPrefix(target, match.address.prefixSegments),
  };
}

function readAuthorization(headers: Headers): Authorization {
  const header = headers.get("authorization");
  if (header === null) {
    throw new AditError(
      "missing_key",
      "Missing Authentication Token: sign the request for AWS, and send the gateway's key in cf-aig-authorization",
    );
  }
  const authorization = parseAuthorization(header);
  if ("problem" in authorization) throw new AditError("incomplete_signature", authorization.problem);
  return authorization;
}

function checkScope({ scope }: Authorization, { provider }: Target): void {
  if (scope.region !== provider.region) {
    throw new AditError("invalid_signature", "Credential should be scoped to a valid region.");
  }
  if (scope.service !== "bedrock") {
    throw new AditError("invalid_signature", "Credential should be scoped to correct service: 'bedrock'.");
  }
}

function signedHeaders(headers: Headers, { signedHeaders }: Authorization): Headers {
  for (const name of signedHeaders) {
    if (UNFORWARDABLE.test(name) && !IMPLIED.has(name)) {
      throw new AditError(
        "invalid_request",
        `the signed header ${JSON.stringify(name)} cannot be passed on unchanged`,
      );
    }
  }
  const signed = new Set(signedHeaders.filter((name) => !IMPLIED.has(name)));
  return pickHeaders(
    headers,
    (name) => name === "authorization" || signed.has(name) || name.startsWith("x-amz-") || isForwarded(name),
  );
}

/** Byte for byte, because any change would invalidate the signature. */
function pathBelowPrefix(target: string, segments: number): string {
  const path = target.replace(new RegExp(`^(?:/+[^/?]+){${segments}}`), "");
  const { pathname, search } = new URL(`http://localhost${path}`);
  if (pathname + search !== path) {
    throw new AditError(
      "invalid_request",
      "the signed path cannot be passed on unchanged; percent-encode it",
    );
  }
  return path;
}
