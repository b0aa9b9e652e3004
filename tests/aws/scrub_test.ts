/** Scrubbing: whatever AWS writes around them, identifiers of the account do not get through. */

import assert from "node:assert/strict";
import { scrub } from "../../lib/aws/scrub.ts";
import { Random } from "../suites/random.ts";

const KEPT = [
  "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again.",
  "prompt is too long: 208310 tokens > 200000 maximum",
  "Malformed input request: #/messages/2/content/0: extraneous key [toolResult] is not permitted, please reformat your input and try again.",
  "messages.1.content.0.image.source.bytes: image exceeds 5 MB maximum: 7340032 bytes > 5242880 bytes",
  "Invocation of model ID anthropic.claude-opus-4-8 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
  "us.anthropic.claude-haiku-4-5-20251001-v1:0 does not support top-k",
];

for (const text of KEPT) {
  Deno.test(`wording without identifiers is kept: ${text.slice(0, 40)}`, () =>
    assert.equal(scrub(text), text));
}

Deno.test("the rest of the wording stays readable", () => {
  assert.equal(
    scrub(
      "User: arn:aws:sts::123456789012:assumed-role/gw/i-0abc is not authorized to perform: bedrock:InvokeModel on resource: " +
        "arn:aws:bedrock:us-east-1::foundation-model/x.y because no identity-based policy allows it in us-east-1",
    ),
    "User: [arn] is not authorized to perform: bedrock:InvokeModel on resource: [arn] because no identity-based policy " +
      "allows it in [region]",
  );
});

/** Each with the part that must be removed. */
const SECRETS: readonly (readonly [text: string, secret: string])[] = [
  ["arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456", "abc123def456"],
  ["arn:aws-us-gov:iam::210987654321:role/Gateway/Prod", "Gateway"],
  ["ARN:AWS:IAM::210987654321:user/ann", "ann"],
  ["arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aprompt%2FABCDEFGHIJ", "ABCDEFGHIJ"],
  ["123456789012", "123456789012"],
  ["1234-5678-9012", "5678"],
  ["us-east-1", "east"],
  ["us-gov-west-1", "gov"],
  ["ap-southeast-2b", "southeast"],
  ["eusc-de-east-1", "eusc"],
  ["us-isob-east-1", "isob"],
  ["mx-central-1", "mx-"],
  ["bedrock-runtime.eu-west-3.amazonaws.com", "bedrock-runtime"],
  ["vpce-0a1b2c3d4e5f-xyz.bedrock-runtime.us-east-1.vpce.amazonaws.com:443", "vpce-0a"],
  ["bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north"],
  ["bedrock-runtime.us-east-2.api.aws", "api.aws"],
  ["bedrock-runtime.us-iso-east-1.c2s.ic.gov", "c2s"],
  ["bedrock-runtime.us-isob-east-1.sc2s.sgov.gov", "sc2s"],
  ["bedrock-runtime.us-isob-east-1.api.aws.scloud", "scloud"],
  ["bedrock-runtime.us-iso-east-1.api.aws.ic.gov", "ic.gov"],
  ["bedrock-runtime.eusc-de-east-1.api.amazonwebservices.eu", "amazonwebservices"],
  ["https://user:pw@internal.example:8443/path?x=1", "internal"],
  ["http://169.254.169.254/latest/meta-data", "169.254"],
  ["10.20.30.40:8080", "10.20"],
  ["vpce-0a1b2c3d4e5f", "0a1b2c"],
  ["AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"],
  ["ASIAQWERTYUIOPASDFGH", "QWERTY"],
  ["AROAQWERTYUIOPASDFGH:session", "QWERTY"],
  ["ABSKQmVkcm9ja0FQSUtleS1hYmMtYXQtMTIzNDU2Nzg5MDEyOnNlY3JldA==", "QmVkcm9j"],
  ["bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29tLz9BY3Rpb249", "YmVkcm9j"],
];

const AROUND = [
  "",
  " ",
  "(",
  ")",
  '"',
  "'",
  ": ",
  "=",
  ", ",
  ".",
  "\n",
  "[",
  "]",
  "/",
  "x ",
  " 7 ",
  "é",
  "“",
  "”",
];

Deno.test("identifiers do not get through, wherever they are", () => {
  const random = new Random(42);
  for (let round = 0; round < 20_000; round++) {
    const chosen = [random.pick(SECRETS), random.pick(SECRETS), random.pick(SECRETS)];
    const text = chosen.map(([text]) =>
      random.text(AROUND, 3) + text + random.pick([" ", ", ", ")", "\n", '" ', "' "])
    ).join("");
    const scrubbed = scrub(text);
    for (const [, secret] of chosen) {
      assert.ok(!scrubbed.includes(secret), `${JSON.stringify(text)} became ${JSON.stringify(scrubbed)}`);
    }
    assert.equal(scrub(scrubbed), scrubbed, "scrubbing twice changes nothing more");
  }
});

Deno.test("a text of any length is bounded", () => {
  for (const unit of ["a", "a.", "a-", "1", "arn:", "us-"]) {
    assert.ok(scrub(unit.repeat(1_000_000)).length <= 4097);
  }
});
