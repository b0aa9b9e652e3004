/** Requests that the caller has signed for AWS itself, passed on to a provider that leaves the signing to the caller. */

import { type Authorization, parseAuthorization } from "../../aws/sigv4/verify.ts";
import { AditError } from "../../base/errors.ts";
import type { Target } from "../../snapshot/plan.ts";
import type { UpstreamCall } from "../../providers/upstream.ts";
import { isForwarded, pickHeaders } from "./headers.ts";
import type { NativeCall } from "./routes.ts";

/** Signed names that the connection to the provider brings along by itself, the same as the caller signed. */
const IMPLIED: ReadonlySet<string> = new Set([":authority", "content-length", "host"]);

/** What cannot reach AWS as it was signed: headers of one connection, and keys that are for Adit alone. */
const UNFORWARDABLE =
  /^(?:accept-encoding|api-key|cf-aig-.*|connection|cookie|expect|forwarded|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|x-api-key|x-forwarded-.*|:.*)$/;

/**
 * The call with path, signed headers and body as they came. The destination is the provider's alone: a signature for
 * another region or service is refused, and one for another host is not accepted by AWS. Throws AWS's own errors.
 */
export function signedByCaller({ match, target, headers, body }: NativeCall, to: Target): UpstreamCall {
  const authorization = readAuthorization(headers);
  checkScope(authorization, to);
  if (to.settings !== undefined && to.modelId !== match.values[0]) {
    throw new AditError(
      "invalid_request",
      "a request that the caller has signed for AWS names the model by its id in Bedrock, not by a name of the gateway",
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
        `the header ${JSON.stringify(name)} cannot be passed on as it was signed`,
      );
    }
  }
  const signed = new Set(signedHeaders.filter((name) => !IMPLIED.has(name)));
  return pickHeaders(
    headers,
    (name) => name === "authorization" || signed.has(name) || name.startsWith("x-amz-") || isForwarded(name),
  );
}

/** Byte for byte, because whatever is changed here is no longer what was signed. */
function pathBelowPrefix(target: string, segments: number): string {
  const path = target.replace(new RegExp(`^(?:/+[^/?]+){${segments}}`), "");
  const { pathname, search } = new URL(`http://localhost${path}`);
  if (pathname + search !== path) {
    throw new AditError(
      "invalid_request",
      "the path cannot be passed on as it was signed: percent-encode it",
    );
  }
  return path;
}
