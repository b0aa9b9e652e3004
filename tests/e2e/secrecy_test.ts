/** Prompts, answers, keys and credentials stay out of the log, standard error and the status, whatever goes wrong. */

import assert from "node:assert/strict";
import { converseAnswer, converseFrames, corrupt, eventFrame, exceptionFrame } from "../fakes/frames.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import {
  type Answer,
  close,
  jsonAnswer,
  reset,
  stall,
  startFakeUpstream,
  streamAnswer,
} from "../fakes/upstream.ts";
import { keyHash } from "./configs.ts";
import { forEachRuntime, replaceFile, startProgram } from "./program.ts";
import { admin, type Ask, ask, chat } from "./requests.ts";

/** Distinctive, so that any part of them in an output is found. */
const SECRETS = {
  prompt: "prompt-zebra-4711",
  answer: "answer-walrus-4712",
  callerKey: "adit-key-badger-4713",
  wrongKey: "wrong-key-marmot-4714",
  secretAccessKey: "secret-access-ocelot-4715",
  sessionToken: "session-token-lemur-4716",
  callerSecret: "caller-secret-of-a-jackal-and-more-4717",
  path: "query-heron-4718",
} as const;

const config = (endpoint: string) =>
  `providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}
    credentials:
      access_key_id: AKIDEXAMPLE
      secret_access_key: ${SECRETS.secretAccessKey}
      session_token: ${SECRETS.sessionToken}
models:
  claude: { provider: east, id: us.anthropic.claude-haiku-4-5-20251001-v1:0 }
callers:
  demo:
    key: "${keyHash(SECRETS.callerKey)}"
    models: ["*"]
    native: [us-east-1]
    aws: { access_key_id: ADITDEMOCALLER01, secret_access_key: ${SECRETS.callerSecret} }
timeouts: { first_byte: 300ms, idle: 300ms }
log: { level: debug }
`;

const FRAMES = converseFrames(SECRETS.answer, "more");
const SOME = FRAMES.slice(0, 2);

/** All outcomes of a request upstream. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  "a whole answer": jsonAnswer(200, converseAnswer(SECRETS.answer)),
  "a stream": streamAnswer(FRAMES),
  "no JSON": async (exchange) => {
    await exchange.head(200, { "content-type": "application/json", "content-length": "25" });
    await exchange.write(`{"a":"${SECRETS.answer}`.padEnd(25));
  },
  "JSON of another shape": jsonAnswer(200, { output: SECRETS.answer }),
  "an odd answer": jsonAnswer(200, {
    ...converseAnswer(SECRETS.answer),
    stopReason: "surprise",
    [SECRETS.answer]: 1,
  }),
  "a refusal": jsonAnswer(400, { message: "Malformed input request" }, {
    "x-amzn-errortype": "ValidationException",
  }),
  "throttling": jsonAnswer(429, { message: "slow down" }, { "x-amzn-errortype": "ThrottlingException" }),
  "bad credentials": jsonAnswer(403, { message: "expired" }, { "x-amzn-errortype": "ExpiredTokenException" }),
  "a server's page": async (exchange) => {
    const page = `<html>${SECRETS.answer}</html>`;
    await exchange.head(502, { "content-type": "text/html", "content-length": String(page.length) });
    await exchange.write(page);
  },
  "an exception in the stream": streamAnswer([...SOME, exceptionFrame("internalServerException", "oops")]),
  "a damaged frame": streamAnswer([...SOME, corrupt(FRAMES[2] ?? new Uint8Array())]),
  "a frame of another shape": streamAnswer([...SOME, eventFrame("contentBlockDelta", SECRETS.answer)]),
  "an end in the middle": streamAnswer(SOME),
  "a lost connection": streamAnswer(SOME, { then: close }),
  "silence": stall,
  "silence in the middle": streamAnswer(SOME, { then: stall }),
  "a reset": reset,
};

const NATIVE_BODY = JSON.stringify({ messages: [{ role: "user", content: [{ text: SECRETS.prompt }] }] });
const MESSAGES = [{ role: "user", content: SECRETS.prompt }];

/** Each way to ask for an answer. */
const REQUESTS: readonly Ask[] = [
  chat({ messages: MESSAGES }),
  chat({ messages: MESSAGES, stream: true }),
  {
    line: "POST /v1/messages",
    body: JSON.stringify({ model: "claude", max_tokens: 5, messages: MESSAGES, stream: true }),
  },
  { line: "POST /model/claude/converse", body: NATIVE_BODY },
  { line: "POST /model/claude/converse-stream", body: NATIVE_BODY },
];

/** Requests that are refused before anything is sent upstream. */
const REFUSED: readonly Ask[] = [
  { line: "POST /v1/chat/completions", body: `{"messages": "${SECRETS.prompt}", ` },
  {
    line: "POST /v1/chat/completions",
    body: JSON.stringify({ model: "claude", messages: [{ role: SECRETS.prompt }] }),
  },
  { line: "POST /v1/chat/completions", body: JSON.stringify({ model: "nobody", messages: MESSAGES }) },
  { line: `GET /v1/models?key=${SECRETS.path}` },
  { line: `GET /nowhere?key=${SECRETS.path}` },
  { line: "POST /model/nobody/converse", body: NATIVE_BODY },
];

forEachRuntime("nothing secret is written anywhere, whatever the outcome of a request", async (runtime) => {
  await using upstream = await startFakeUpstream();
  await using program = await startProgram(runtime, config(upstream.url));
  const authorized = { Authorization: `Bearer ${SECRETS.callerKey}` };
  let requests = 0;
  for (const request of REQUESTS) {
    for (const answer of Object.values(ANSWERS)) {
      upstream.always(answer);
      await ask(program.url, { ...request, headers: authorized });
      requests++;
    }
  }
  const wrong = [
    { Authorization: `Bearer ${SECRETS.wrongKey}` },
    { "x-api-key": SECRETS.wrongKey },
    { Authorization: SECRETS.wrongKey },
    {
      Authorization:
        `AWS4-HMAC-SHA256 Credential=${SECRETS.wrongKey}/20261120/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0`,
    },
  ];
  for (const headers of [authorized, ...wrong]) {
    for (const request of REFUSED) {
      await ask(program.url, { ...request, headers });
      requests++;
    }
  }
  {
    // One that leaves in the middle of its body.
    await using client = await connectRaw(program.url);
    client.send(
      requestText("POST /v1/chat/completions", { ...authorized, "Content-Length": "999" }, SECRETS.prompt),
    );
    await client.close();
  }
  // Errors about a bad configuration do not quote secrets either.
  const bad = config(upstream.url).replace("session_token:", "sesion_token:").replace('"sha256:', '"md5:');
  await replaceFile(program.configPath, `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${bad}`);
  await program.waitForLog(({ message }) => message.startsWith("configuration rejected"));
  const status = await admin(program, "GET /-/status");
  await program.stop();

  const lines = program.logs.filter(({ message }) => message === "request");
  assert.ok(lines.length >= requests, `${lines.length} lines for ${requests} requests`);
  const written = program.logs.map((line) => JSON.stringify(line)).join("\n");
  for (const [name, secret] of Object.entries(SECRETS)) {
    for (
      const [where, text] of Object.entries({ log: written, stderr: program.stderr, status: status.body })
    ) {
      const at = text.indexOf(secret);
      assert.equal(at, -1, `${name} is in the ${where}: ${text.slice(Math.max(0, at - 200), at + 100)}`);
    }
  }
  assert.equal(program.stderr, "");
});
