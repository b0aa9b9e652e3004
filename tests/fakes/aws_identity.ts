/**
 * AWS's sources of credentials on one loopback address: STS, SSO, the container endpoint and the instance metadata
 * service.
 */

import { Secret } from "../../lib/base/secret.ts";
import type { EmulatorCredentials } from "../../lib/emulator/server/credentials.ts";

/** A key pair with its session token, if any. */
export interface KnownPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsIdentity extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Every pair whose signatures are accepted: those issued, and those added with `know`. */
  readonly pairs: readonly EmulatorCredentials[];
  /** The requests, such as `sts AssumeRole` or `imds token`, oldest first. */
  readonly asked: readonly string[];
  /** The forms sent to STS, oldest first. */
  readonly stsForms: readonly URLSearchParams[];
  /** Lifetime of the pairs issued from now on; default: one hour. */
  lifetimeMs: number;
  /** Answers nothing from now on, and keeps every connection open. */
  hang: boolean;
  /** Refuses every request. */
  refuse: boolean;
  /** Makes a pair that does not expire. */
  know(accessKeyId: string): KnownPair;
}

/** The accepted tokens of the web identity, of SSO and of the container. */
export const TOKENS = { web: "web-identity-token", sso: "sso-access-token", container: "container-token" };

type Handler = (request: Request, url: URL) => Response | Promise<Response>;

export function startAwsIdentity(): AwsIdentity {
  const pairs: EmulatorCredentials[] = [];
  const asked: string[] = [];
  const stsForms: URLSearchParams[] = [];
  const ending = new AbortController();

  /** The next pair of a source: `ASIASTS1`, `ASIASTS2`, … */
  function issue(source: string): Required<KnownPair> & { readonly expiration: Date } {
    const number = pairs.filter(({ accessKeyId }) => accessKeyId.startsWith(`ASIA${source}`)).length + 1;
    const pair = {
      accessKeyId: `ASIA${source}${number}`,
      secretAccessKey: `hunter2-secret-${source}-${number}`,
      sessionToken: `hunter2-token-${source}-${number}`,
    };
    pairs.push({
      accessKeyId: pair.accessKeyId,
      secretAccessKey: new Secret(pair.secretAccessKey),
      sessionToken: new Secret(pair.sessionToken),
    });
    return { ...pair, expiration: new Date(Date.now() + identity.lifetimeMs) };
  }

  const sts: Handler = async (request) => {
    const form = new URLSearchParams(await request.text());
    const action = form.get("Action") ?? "";
    asked.push(`sts ${action}`);
    stsForms.push(form);
    if (action === "GetCallerIdentity") {
      const [, signer = "", scope = ""] = /Credential=([^/]+)\/\d+\/([^,]+)/.exec(
        request.headers.get("authorization") ?? "",
      ) ?? [];
      if (scope !== "us-east-1/sts/aws4_request" || !pairs.some((pair) => pair.accessKeyId === signer)) {
        return refused();
      }
      return new Response(
        `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
          `<Arn>arn:aws:iam::111122223333:user/${signer}</Arn><UserId>${signer}</UserId>` +
          `<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
        { headers: { "content-type": "text/xml" } },
      );
    }
    if (action === "AssumeRoleWithWebIdentity" && form.get("WebIdentityToken") !== TOKENS.web) {
      return refused();
    }
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = issue("STS");
    return new Response(
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>` +
        `<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn>` +
        `<AssumedRoleId>AROAEXAMPLE:s</AssumedRoleId></AssumedRoleUser><Credentials>` +
        `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>` +
        `<SessionToken>${sessionToken}</SessionToken><Expiration>${expiration.toISOString()}</Expiration>` +
        `</Credentials></${action}Result></${action}Response>`,
      { headers: { "content-type": "text/xml" } },
    );
  };

  const sso: Handler = (request) => {
    asked.push("sso GetRoleCredentials");
    if (request.headers.get("x-amz-sso_bearer_token") !== TOKENS.sso) return refused();
    const { expiration, ...pair } = issue("SSO");
    return Response.json({ roleCredentials: { ...pair, expiration: expiration.getTime() } });
  };

  const container: Handler = (request) => {
    asked.push("container");
    if (request.headers.get("authorization") !== TOKENS.container) return refused();
    return Response.json(metadataShape(issue("CONTAINER")));
  };

  const imds: Handler = (request, url) => {
    if (request.method === "PUT") {
      asked.push("imds token");
      return new Response("imds-token");
    }
    asked.push("imds");
    if (request.headers.get("x-aws-ec2-metadata-token") !== "imds-token") return refused();
    return url.pathname.endsWith("/security-credentials/")
      ? new Response("instance-role")
      : Response.json({ Code: "Success", Type: "AWS-HMAC", ...metadataShape(issue("IMDS")) });
  };

  const routes: readonly (readonly [RegExp, Handler])[] = [
    [/^\/$/, sts],
    [/^\/federation\/credentials$/, sso],
    [/^\/container$/, container],
    [/^\/latest\//, imds],
  ];

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const url = new URL(request.url);
    if (identity.hang) return untilAborted(ending.signal);
    const [, handler] = routes.find(([path]) => path.test(url.pathname)) ?? [];
    return handler === undefined || identity.refuse ? refused() : handler(request, url);
  });

  const identity: AwsIdentity = {
    url: `http://127.0.0.1:${server.addr.port}`,
    pairs,
    asked,
    stsForms,
    lifetimeMs: 60 * 60_000,
    hang: false,
    refuse: false,
    know(accessKeyId) {
      const secretAccessKey = `hunter2-secret-${accessKeyId}`;
      pairs.push({ accessKeyId, secretAccessKey: new Secret(secretAccessKey) });
      return { accessKeyId, secretAccessKey };
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await server.shutdown();
    },
  };
  return identity;
}

/** In the form of the container endpoint and of the instance metadata service. */
function metadataShape(pair: Required<KnownPair> & { readonly expiration: Date }) {
  return {
    AccessKeyId: pair.accessKeyId,
    SecretAccessKey: pair.secretAccessKey,
    Token: pair.sessionToken,
    Expiration: pair.expiration.toISOString(),
  };
}

function refused(): Response {
  return new Response(
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
    { status: 403, headers: { "content-type": "text/xml" } },
  );
}

function untilAborted(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(new Response(null, { status: 503 })), { once: true });
  });
}
