/** Whatever the upstream says, and wherever in an answer, nothing of the operator's account reaches a caller of Chat. */

import assert from "node:assert/strict";
import { startGateway } from "../fakes/gateway.ts";
import { converseFrames, errorFrame, eventFrame, exceptionFrame, USAGE } from "../fakes/frames.ts";
import { CHAT, chatBody, CONFIG, KEY } from "../gateway/requests.ts";
import { Random } from "../suites/random.ts";

const ROUNDS = 400;
const SEED = 20261120;

/** A text, and what of it must not be seen. */
interface Identifier {
  readonly text: string;
  readonly secrets: readonly string[];
}

const DIGITS = [..."0123456789"];
const CAPITALS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"];
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const REGIONS = [
  "us-east-1",
  "us-gov-west-1",
  "cn-north-1",
  "ap-southeast-7",
  "mx-central-1",
  "eusc-de-east-1",
];
const PARTITIONS = ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"];
const KEY_PREFIXES = ["AKIA", "ASIA", "AROA", "AIDA"];
const DOMAINS = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "vpce.amazonaws.com", "amazonaws.eu"];

const exactly = (random: Random, alphabet: readonly string[], length: number) =>
  Array.from({ length }, () => random.pick(alphabet)).join("");

const MAKERS: readonly ((random: Random) => Identifier)[] = [
  (random) => {
    const account = exactly(random, DIGITS, 12);
    const region = random.pick(REGIONS);
    const name = exactly(random, LETTERS, 10);
    const text = `arn:${random.pick(PARTITIONS)}:bedrock:${region}:${account}:inference-profile/${name}`;
    return { text, secrets: [account, region, name] };
  },
  (random) => {
    const account = exactly(random, DIGITS, 12);
    const role = exactly(random, LETTERS, 9);
    return { text: `arn:aws:sts::${account}:assumed-role/${role}/i-0abc`, secrets: [account, role] };
  },
  (random) => {
    const account = exactly(random, DIGITS, 12);
    return { text: account, secrets: [account] };
  },
  (random) => {
    const region = random.pick(REGIONS);
    return { text: region, secrets: [region] };
  },
  (random) => {
    const host = `${exactly(random, LETTERS, 8)}.${random.pick(REGIONS)}.${random.pick(DOMAINS)}`;
    return { text: host, secrets: [host.split(".")[0] ?? host] };
  },
  (random) => {
    const host = exactly(random, LETTERS, 8);
    return { text: `https://${host}.internal:8443/x?y`, secrets: [host] };
  },
  (random) => {
    const address = Array.from({ length: 4 }, () => 100 + random.below(150)).join(".");
    return { text: `${address}:443`, secrets: [address] };
  },
  (random) => {
    const key = random.pick(KEY_PREFIXES) + exactly(random, CAPITALS, 16);
    return { text: key, secrets: [key.slice(4)] };
  },
  (random) => {
    const key = exactly(random, CAPITALS, 40);
    return { text: `ABSK${key}`, secrets: [key] };
  },
];

const AROUND = [
  "User: ",
  " is not authorized in ",
  ", ",
  " (",
  "): ",
  "\n",
  '"',
  "'",
  " on resource ",
  "=",
  " ",
];

function hostileMessage(random: Random): Identifier {
  const made = Array.from({ length: 1 + random.below(4) }, () => random.pick(MAKERS)(random));
  const text = made.map((one) => random.pick(AROUND) + one.text).join("") + random.pick(AROUND);
  return { text, secrets: made.flatMap(({ secrets }) => secrets) };
}

const EXCEPTIONS = [
  "ValidationException",
  "AccessDeniedException",
  "ResourceNotFoundException",
  "ThrottlingException",
  "ServiceQuotaExceededException",
  "ModelErrorException",
  "InternalServerException",
  "UnrecognizedClientException",
  "SomethingNewException",
];

type Gateway = ReturnType<typeof startGateway>;
type Position = (gateway: Gateway, message: string, random: Random) => Promise<Response>;

/** What the caller gets when the upstream answers a stream with these frames. */
function streamed(frames: (message: string, random: Random) => readonly Uint8Array<ArrayBuffer>[]): Position {
  return async (gateway, message, random) => {
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
    const body = (await gateway.bedrock.call(0)).answer(200, { "x-amzn-requestid": "r-1" });
    body.push(...frames(message, random));
    body.end();
    return await response;
  };
}

const lower = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const exception = (message: string, random: Random) =>
  exceptionFrame(lower(random.pick(EXCEPTIONS)), message);

/** Each place in an answer where an upstream may put words of its own. */
const POSITIONS: Readonly<Record<string, Position>> = {
  "in place of an answer": async (gateway, message, random) => {
    const { response } = gateway.send(CHAT, {
      headers: KEY,
      body: chatBody({ stream: random.below(2) === 0 }),
    });
    const status = random.pick([400, 401, 403, 404, 408, 424, 429, 500, 503, 418]);
    const body = random.pick([
      JSON.stringify({ message }),
      JSON.stringify({ Message: message }),
      JSON.stringify({ message, originalMessage: message, resourceName: message }),
      message,
      `<html>${message}</html>`,
    ]);
    const headers = { "x-amzn-errortype": random.pick(EXCEPTIONS), server: "x", "x-amzn-requestid": "r-1" };
    (await gateway.bedrock.call(0)).answerWhole(status, body, headers);
    return await response;
  },
  "before the stream": streamed((message, random) => [exception(message, random)]),
  "in the stream": streamed((message, random) => [
    ...converseFrames("Hello").slice(0, 2),
    exception(message, random),
  ]),
  "in an error frame": streamed((message) => [
    ...converseFrames("Hello").slice(0, 2),
    errorFrame(message, message),
  ]),
  "behind the stop": streamed((message, random) => [
    ...converseFrames("Hello").slice(0, -1),
    exception(message, random),
  ]),
  "in a failed connection": async (gateway, message) => {
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
    (await gateway.bedrock.call(0)).fail(new TypeError(message));
    return await response;
  },
  "in an answer that is none": async (gateway, message) => {
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody() });
    (await gateway.bedrock.call(0)).answerWhole(200, JSON.stringify({ output: {}, message }));
    return await response;
  },
};

for (const [name, position] of Object.entries(POSITIONS)) {
  Deno.test(`nothing that an upstream says ${name} reveals the operator's account to a caller`, async () => {
    const random = new Random(SEED);
    for (let round = 0; round < ROUNDS / Object.keys(POSITIONS).length; round++) {
      const { text, secrets } = hostileMessage(random);
      const gateway = startGateway(CONFIG);
      const response = await position(gateway, text, random);
      const seen = [...response.headers].join("\n") + await response.text();
      for (const secret of secrets) assert.ok(!seen.includes(secret), `${secret} of ${text} in ${seen}`);
    }
  });
}

Deno.test("ARNs in a trace are reduced to the ids in them", async () => {
  const random = new Random(SEED);
  for (let round = 0; round < 50; round++) {
    const account = exactly(random, DIGITS, 12);
    const region = random.pick(REGIONS);
    const arn = `arn:aws:bedrock:${region}:${account}:guardrail/gr1`;
    const trace = {
      guardrail: { [arn]: { details: [arn, `see ${arn}, ${arn}`] } },
      promptRouter: { invokedModelId: arn },
    };
    const gateway = startGateway(CONFIG);
    const { response } = gateway.send(CHAT, { headers: KEY, body: chatBody({ stream: true }) });
    const body = (await gateway.bedrock.call(0)).answer(200);
    body.push(...converseFrames("Hello").slice(0, -1), eventFrame("metadata", { trace, usage: USAGE }));
    body.end();
    const seen = await (await response).text();
    assert.match(seen, /"gr1"/);
    for (const secret of [account, region]) assert.ok(!seen.includes(secret), seen);
  }
});
