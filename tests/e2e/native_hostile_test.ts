/**
 * Paths that try to reach another host: whatever their bytes, only the configured host gets a request, and a valid one.
 */

import assert from "node:assert/strict";
import { connectRaw } from "../fakes/raw_client.ts";
import { jsonAnswer, startFakeUpstream } from "../fakes/upstream.ts";
import { KEY, keyHash } from "./configs.ts";
import { forEachRuntime, startProgram } from "./program.ts";

const WEST_ARN = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/x";

/** Targets of the request line; `{other}` is a host that must never get a request. */
const TARGETS: readonly string[] = [
  "/model/../../{other}/converse",
  "/model/..%2f..%2f{other}/converse",
  "/model/%2e%2e/%2e%2e/converse",
  "/model/%2e%2e%2f/converse",
  "/model/a/../../model/nova.x/converse",
  "/model/x/../../../converse",
  "//{other}/model/nova.x/converse",
  "///{other}//model/nova.x/converse",
  "/\\\\{other}/model/nova.x/converse",
  "/model/\\\\..\\\\{other}/converse",
  "/@{other}/model/nova.x/converse",
  "/model/@{other}/converse",
  "@{other}/model/nova.x/converse",
  ":80@{other}/model/nova.x/converse",
  ".{other}/model/nova.x/converse",
  "/model/http:%2f%2f{other}%2f/converse",
  "/model/http://{other}/converse",
  "http://{other}/model/nova.x/converse",
  "https://{other}/model/nova.x/converse",
  "http://{other}:80@{other}/model/nova.x/converse",
  "//{other}",
  "/model/x%0d%0aHost:%20{other}%0d%0a/converse",
  "/model/x%0aHost:%20{other}/converse",
  "/model/x%00/converse",
  "/model/x%23@{other}/converse",
  "/model/x#@{other}/converse",
  "/model/x?@{other}/converse",
  "/model/x%3f@{other}/converse",
  "/model/%252e%252e%252f{other}/converse",
  "/model/%ff%fe/converse",
  `/model/${WEST_ARN}/converse`,
  `/model/${encodeURIComponent(WEST_ARN)}/converse`,
  "/model/arn:aws:bedrock:{other}:123456789012:x/converse",
  "/model/arn:aws:bedrock::123456789012:x/converse",
  `/async-invoke/${encodeURIComponent(WEST_ARN)}`,
  "/guardrail/..%2f..%2fmodel%2fnova.x%2fconverse%3f/version/1/apply",
  `/guardrail/${encodeURIComponent(WEST_ARN)}/version/1/apply`,
  "/aws-bedrock/bedrock-runtime/{other}/model/nova2/converse",
  "/aws-bedrock/bedrock-runtime/us-east-1.{other}/model/nova2/converse",
  "/aws-bedrock/bedrock-runtime/us-east-1@{other}/model/nova2/converse",
  "/aws-bedrock/bedrock-runtime/us-east-1%2f@{other}/model/nova2/converse",
  "/aws-bedrock/bedrock-runtime/eu-west-1/model/nova2/converse",
  "/v1/{other}/@{other}/aws-bedrock/bedrock-runtime/../model/nova2/converse",
];

/** Paths that may reach the provider: those of the operations, in their one encoding. */
const CANONICAL =
  /^(?:POST|GET) \/(?:model|guardrail|async-invoke)\/(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+(?:\/version\/1\/apply|\/converse)? HTTP\/1\.1$/;

/** Parts of a path that the provider, or a client of it, might resolve. */
const DOT_SEGMENT = /(?:\/|%2F)(?:\.|%2E){1,2}(?:\/|%2F| )/i;

/** Headers that try to replace the host. */
const HOSTS: readonly Readonly<Record<string, string>>[] = [
  { Host: "adit.test" },
  { Host: "{other}" },
  {
    Host: "bedrock-runtime.eu-west-1.amazonaws.com",
    "X-Forwarded-Host": "{other}",
    Forwarded: "host={other}",
  },
];

interface Way {
  readonly name: string;
  readonly credentials: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The request lines that the upstream may get. */
  readonly allowed: RegExp;
}

const SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKID/20261120/us-east-1/bedrock/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=00";

const WAYS: readonly Way[] = [
  {
    name: "signed by Adit",
    credentials: "{ access_key_id: AKIDEXAMPLE, secret_access_key: example }",
    headers: { Authorization: `Bearer ${KEY}` },
    allowed: CANONICAL,
  },
  {
    name: "signed by the caller",
    credentials: "{ caller: true }",
    headers: { "cf-aig-authorization": `Bearer ${KEY}`, Authorization: SIGNATURE },
    // Byte for byte as it came, but below the operations' own first segments.
    allowed: /^(?:POST|GET) \/+(?:model|guardrail|async-invoke)\/[\x21-\x7e]+ HTTP\/1\.1$/,
  },
];

for (const { name, credentials, headers, allowed } of WAYS) {
  forEachRuntime(
    `${name}, no address leads to another host than the provider's, or to a path outside`,
    async (runtime) => {
      await using other = await startFakeUpstream();
      await using upstream = await startFakeUpstream();
      upstream.always(jsonAnswer(200, {}));
      const providers =
        `  east: { type: bedrock, region: us-east-1, endpoint: "${upstream.url}", credentials: ${credentials} }`;
      const callers = `  demo: { key: "${keyHash(KEY)}", native: [us-east-1] }`;
      await using program = await startProgram(runtime, `providers:\n${providers}\ncallers:\n${callers}\n`);
      const otherHost = new URL(other.url).host;
      for (const target of TARGETS) {
        for (const hosts of HOSTS) {
          for (const method of ["POST", "GET"]) {
            const before = upstream.requests.length;
            await using client = await connectRaw(program.url);
            const lines = Object.entries({
              ...hosts,
              ...headers,
              "Content-Length": "2",
              Connection: "close",
            });
            const head = [
              `${method} ${target} HTTP/1.1`,
              ...lines.map(([name, value]) => `${name}: ${value}`),
            ];
            client.send(`${head.join("\r\n")}\r\n\r\n{}`.replaceAll("{other}", otherHost));
            await client.rest();
            const sent = upstream.requests.slice(before);
            assert.ok(sent.length <= 1, target);
            for (const request of sent) {
              assert.match(request.startLine, allowed, target);
              assert.doesNotMatch(request.startLine, DOT_SEGMENT, target);
              assert.equal(request.headers.get("host"), new URL(upstream.url).host, target);
              assert.equal(request.head.includes(KEY), false);
              assert.match(request.headers.get("authorization") ?? "", /\/us-east-1\/bedrock\/aws4_request/);
            }
          }
        }
      }
      assert.equal(other.connections, 0);
      // Odd but valid targets have reached the upstream, or this test could not fail.
      assert.ok(upstream.requests.length > 0);
      await using client = await connectRaw(program.url);
      client.send("GET /healthz HTTP/1.1\r\nHost: adit.test\r\n\r\n");
      assert.match((await client.answer())?.startLine ?? "", / 200 /);
    },
  );
}
