/** S3 locations in requests, on every route that passes members on: none but those in the caller's own buckets. */

import { equal, throws } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { refuseForeignBuckets } from "../../lib/endpoints/s3_locations.ts";
import { ofKind } from "../fakes/errors.ts";
import { startGateway } from "../fakes/gateway.ts";
import { caller, model, native, provider, snapshot } from "../fakes/snapshot.ts";

const EAST = provider("east", "us-east-1");
const NONE = caller("none", { models: new Set(["nova"]), native: native(["us-east-1"]) });
const SOME = caller("some", {
  models: new Set(["nova"]),
  native: native(["us-east-1"]),
  s3: ["mine", "media-*"],
});
const CONFIG = snapshot({ models: [model("nova", EAST)], callers: [NONE, SOME] });

const CONVERSE = "/model/nova/converse";
const INVOKE = "/bedrock/model/nova/invoke-with-response-stream";
const ASYNC = "/async-invoke";

const image = (uri: string) =>
  JSON.stringify({
    messages: [{ role: "user", content: [{ image: { source: { s3Location: { uri } } } }] }],
  });

interface Row {
  readonly target: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Path of the refused member; undefined if the request is sent. */
  readonly none: string | undefined;
  readonly some: string | undefined;
}

const SOURCE = "messages[0].content[0].image.source.s3Location";

const ROWS: readonly Row[] = [
  { target: CONVERSE, body: image("s3://mine/a.png"), none: SOURCE, some: undefined },
  { target: CONVERSE, body: image("s3://media-1/a.png"), none: SOURCE, some: undefined },
  { target: CONVERSE, body: image("s3://yours/a.png"), none: SOURCE, some: `${SOURCE}.uri` },
  { target: CONVERSE, body: image("s3://mine.yours/a.png"), none: SOURCE, some: `${SOURCE}.uri` },
  { target: CONVERSE, body: image("https://mine/a.png"), none: SOURCE, some: `${SOURCE}.uri` },
  {
    target: CONVERSE,
    body: image("s3://yours/a").replace('"s3Location":', `"\\u00733Location"${" ".repeat(200)}:`),
    none: SOURCE,
    some: `${SOURCE}.uri`,
  },
  {
    target: INVOKE,
    body: '{"video":{"s3Location":{"uri":"s3://yours/a","uri":"s3://mine/a"}}}',
    none: "video.s3Location",
    some: "video.s3Location.uri",
  },
  {
    target: INVOKE,
    body: '{"inputs":[{"s3Uri":"s3://yours/a"}]}',
    none: "inputs[0].s3Uri",
    some: "inputs[0].s3Uri",
  },
  {
    target: ASYNC,
    body: '{"modelId":"nova","outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://yours"}}}',
    none: "outputDataConfig",
    some: "outputDataConfig.s3OutputDataConfig.s3Uri",
  },
  {
    target: ASYNC,
    body: '{"modelId":"nova","outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://mine/out/"}}}',
    none: "outputDataConfig",
    some: undefined,
  },
  {
    target: CONVERSE,
    body:
      '{"messages":[{"content":[{"toolUse":{"input":{"s3Location":{"uri":"s3://x"}}}},{"text":"s3://x"}]}]}',
    none: undefined,
    some: undefined,
  },
  {
    target: INVOKE,
    body: '{"prompt":"\\"s3Location\\":","inputText":"s3://x"}',
    none: undefined,
    some: undefined,
  },
  {
    target: INVOKE,
    body: '{"messages":[{"content":[{"image_url":{"url":"s3://yours/a","url":"https://x/a"}}]}]}',
    none: "messages[0].content[0].image_url.url",
    some: "messages[0].content[0].image_url.url",
  },
  {
    target: INVOKE,
    body: '{"frames":{"imageUris":["https://x/a",["\\u00733:\\/\\/yours/a"]]}}',
    none: "frames.imageUris[1][0]",
    some: "frames.imageUris[1][0]",
  },
  {
    target: INVOKE,
    body: '{"video":{"s3Location":{"uri":["s3://yours/a"]}}}',
    none: "video.s3Location",
    some: "video.s3Location.uri[0]",
  },
  {
    target: INVOKE,
    body:
      '{"video":{"s3Location":{"uri":"s3://mine/a","bucketOwner":"111122223333","from":" s3://yours/a"}}}',
    none: "video.s3Location",
    some: "video.s3Location.from",
  },
  {
    target: INVOKE,
    body: '{"video":{"s3Location":{"bucketName":"yours","key":"a"}}}',
    none: "video.s3Location",
    some: "video.s3Location.bucketName",
  },
  {
    target: INVOKE,
    body: '{"video":{"s3Location":{"bucket":"media-1","key":"a"}}}',
    none: "video.s3Location",
    some: undefined,
  },
  {
    target: CONVERSE,
    body: '{"messages":[{"content":[{"searchResult":{"source":"s3://yours/a","title":"s3://yours/a"}}]}]}',
    none: undefined,
    some: undefined,
  },
  {
    target: "/model/nova/count-tokens",
    body: `{"input":{"converse":${image("s3://yours/a")}}}`,
    none: `input.converse.${SOURCE}`,
    some: `input.converse.${SOURCE}.uri`,
  },
];

for (const row of ROWS) {
  for (const [who, refused] of [[NONE, row.none], [SOME, row.some]] as const) {
    Deno.test(`${row.target} with ${row.body} of "${who.name}" ${refused ? `is refused at ${refused}` : "is sent"}`, async () => {
      const gateway = startGateway(CONFIG);
      const { response } = gateway.send(row.target, {
        headers: { authorization: `Bearer ${who.key}` },
        body: row.body,
      });
      if (refused === undefined) {
        const call = await gateway.bedrock.call(0);
        call.answerWhole(400, "{}");
        await response;
        return;
      }
      const answer = await response;
      equal(answer.status, 400);
      equal((await answer.json()).message, `${refused}: this key is not allowed to use this S3 location`);
      equal(gateway.bedrock.calls.length, 0);
    });
  }
}

Deno.test("a location in UTF-16 is not overlooked", async () => {
  const gateway = startGateway(CONFIG);
  const narrow = encodeUtf8(image("s3://yours/a"));
  const body = new Uint8Array(narrow.length * 2);
  narrow.forEach((byte, index) => body[index * 2] = byte);
  const answer = await gateway.send(CONVERSE, { headers: { authorization: `Bearer ${SOME.key}` }, body })
    .response;
  equal(answer.status, 400);
  equal(gateway.bedrock.calls.length, 0);
});

const LIMITS = { jsonDepth: 64, jsonValues: 1000 };
const FOREIGN = /not allowed to use this S3 location/;

Deno.test("a location is found however its name is spelled", () => {
  const names = ["outputDataConfig", "OUTPUTDATACONFIG", "s3Location", "S3Uri"];
  for (const name of names) {
    for (let at = 0; at <= name.length; at++) {
      const escaped = [...name].map((letter, index) =>
        index === at || index === at + 2 ? `\\u00${letter.charCodeAt(0).toString(16)}` : letter
      ).join("");
      const body = encodeUtf8(`{"text":"\\"s3\\\\","more":{"${escaped}":{"uri":"s3://yours/a"}}}`);
      throws(() => refuseForeignBuckets(body, NONE, LIMITS), FOREIGN, escaped);
    }
  }
});

Deno.test("a body in which some characters are wide is looked at without its zeros", () => {
  const body = `{"text":"${"x".repeat(20_000)}","outputDataConfig":{"uri":"s3://yours/a"}}`;
  const wide = encodeUtf8(body.replaceAll(/["{}a-zA-Z3]/g, "$&\0"));
  throws(() => refuseForeignBuckets(wide, NONE, LIMITS), ofKind("invalid_request"));
});

Deno.test("what only looks like a location is not parsed", () => {
  const texts = ["s", "o", "output", "outputDataConfi", "\\n\\u0073", "s2", "\\\\s3", "os3", "u"];
  for (const text of texts) refuseForeignBuckets(encodeUtf8(`{"text":"${text}" not JSON`), NONE, LIMITS);
});

const CLAUDE = model("claude", EAST, "us.anthropic.claude-haiku-4-5-20251001-v1:0");
interface TranslatedRow {
  readonly target: string;
  readonly members: Record<string, unknown>;
  readonly path: string;
}

const ofSource = (type: string, source: Record<string, string>, name: string): TranslatedRow => ({
  target: "/v1/messages",
  members: { messages: [{ role: "user", content: [{ type, source }] }] },
  path: `messages.0.content.0.source.${name}`,
});

const TRANSLATED: readonly TranslatedRow[] = [
  ofSource("image", { type: "s3", uri: "s3://yours/a" }, "uri"),
  ofSource("document", { type: "url", url: "s3://yours/a" }, "url"),
  {
    target: "/v1/messages",
    members: { mediaSource: { s3Location: { uri: "s3://yours/a" } } },
    path: "mediaSource.s3Location.uri",
  },
  { target: "/v1/messages/count_tokens", members: { s3Uri: "s3://yours/a" }, path: "s3Uri" },
  {
    target: "/v1/chat/completions",
    members: { additionalModelRequestFields: { video: { s3Location: { uri: "s3://yours/a" } } } },
    path: "additionalModelRequestFields.video.s3Location.uri",
  },
];

for (const { target, members, path } of TRANSLATED) {
  Deno.test(`${target}: the location ${path} is refused unless the caller's s3 lists the bucket`, async () => {
    const body = JSON.stringify({
      model: "claude",
      max_tokens: 5,
      messages: [{ role: "user", content: "Hello" }],
      ...members,
    });
    for (const s3 of [undefined, ["mine"]]) {
      const who = caller("team", { models: ["claude"], s3 });
      const gateway = startGateway(snapshot({ models: [CLAUDE], callers: [who] }));
      const headers = { authorization: `Bearer ${who.key}` };
      const answer = await gateway.send(target, { headers, body }).response;
      equal(answer.status, 400);
      equal(
        (await answer.json()).error.message,
        `${path}: this key is not allowed to use this S3 location`,
      );
      equal(gateway.bedrock.calls.length, 0);
    }
    const who = caller("team", { models: ["claude"], s3: ["your*"] });
    const gateway = startGateway(snapshot({ models: [CLAUDE], callers: [who] }));
    const { response } = gateway.send(target, { headers: { authorization: `Bearer ${who.key}` }, body });
    (await gateway.bedrock.call(0)).answerWhole(400, "{}");
    await response;
  });
}

Deno.test("what a user writes about S3 is no location, in any of these APIs", async () => {
  const text = "s3://yours/a";
  const results = [{ type: "search_result", source: text, title: text, content: [{ type: "text", text }] }];
  for (
    const [target, content] of [
      ["/v1/messages", text],
      ["/v1/messages", results],
      ["/v1/chat/completions", text],
    ] as const
  ) {
    const gateway = startGateway(
      snapshot({ models: [CLAUDE], callers: [caller("team", { models: ["claude"] })] }),
    );
    const { response } = gateway.send(target, {
      headers: { authorization: `Bearer ${caller("team").key}` },
      body: JSON.stringify({ model: "claude", max_tokens: 5, messages: [{ role: "user", content }] }),
    });
    (await gateway.bedrock.call(0)).answerWhole(400, "{}");
    await response;
  }
});
