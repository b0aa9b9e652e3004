/** What a stranger can send to the front, broken in random ways: each target throws if something goes wrong. */

import assert from "node:assert/strict";
import { concat, decodeUtf8, encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import { isJsonObject, type JsonValue, parseJsonBody } from "../../lib/base/json.ts";
import { findNames } from "../../lib/base/json_text/json_names.ts";
import { encodeFrame, EventStreamError, FrameDecoder } from "../../lib/codec/eventstream.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { denoRuntime } from "../../lib/runtime/deno.ts";
import { connectRaw, requestText } from "../fakes/raw_client.ts";
import { startGateway } from "../fakes/gateway.ts";
import { CHAT, chatBody, CONFIG, CONVERSE, KEY } from "../gateway/requests.ts";
import { readRepositoryFile } from "../meta/sources.ts";
import type { Random } from "../suites/random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Target {
  readonly name: string;
  /** One round; everything random comes from `random`. */
  run(random: Random): Promise<void> | void;
}

const SPLICES = [
  ..."\0\r\n\t \"'\\{}[]:,;=&#*!|>-%@`~0eE.",
  "\r\n\r\n",
  "\\u0000",
  "\\ud800",
  "1e999",
  "é",
  "\ufeff",
];

/** The text with a few random places changed, doubled, or cut. */
function broken(random: Random, text: string): string {
  let changed = text;
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(changed.length + 1);
    const to = Math.min(changed.length, at + random.below(12));
    const middle = random.pick([
      () => random.pick(SPLICES),
      () => "",
      () => changed.slice(at, to).repeat(2),
      () => random.pick(SPLICES).repeat(random.below(200)),
    ])();
    changed = changed.slice(0, at) + middle + changed.slice(to);
  }
  return changed;
}

function brokenBytes(random: Random, bytes: Bytes): Bytes {
  const changed = new Uint8Array(bytes);
  for (let edits = random.below(4); edits > 0 && changed.length > 0; edits--) {
    changed[random.below(changed.length)] = random.below(256);
  }
  return changed.slice(0, random.below(4) === 0 ? random.below(changed.length + 1) : changed.length);
}

function randomJson(random: Random, depth = 0): JsonValue {
  const kind = random.below(depth > 4 ? 4 : 6);
  if (kind === 0) return random.text(SPLICES, 6);
  if (kind === 1) return random.below(1e6) / 7;
  if (kind === 2) return random.pick([null, true, false]);
  if (kind === 3) return random.pick(["x", '"x":', "\\"]);
  const items = Array.from({ length: random.below(5) }, () => randomJson(random, depth + 1));
  return kind === 4 ? items : Object.fromEntries(
    items.map((item) => [random.pick(["x", "y", "x.y", '"x"', "é", "__proto__"]), item]),
  );
}

/** The paths of all members named `x`, found by walking the parsed value. */
function pathsOfX(value: JsonValue, path = ""): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((each: JsonValue, index) => pathsOfX(each, `${path}[${index}]`));
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const inner = path === "" ? name : `${path}.${name}`;
    return [...(name === "x" ? [inner] : []), ...pathsOfX(each, inner)];
  });
}

/** Long numbers are kept exactly, which is not compared here. */
const rounded = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value));

const json: Target = {
  name: "JSON",
  run(random) {
    const whole = { x: randomJson(random), y: randomJson(random) };
    const text = JSON.stringify(whole);
    assert.deepEqual(findNames(text, (name) => name === "x").map(({ path }) => path), pathsOfX(whole));
    const damaged = broken(random, text);
    let parsed: JsonValue | undefined;
    try {
      parsed = JSON.parse(damaged);
    } catch {
      // Refused below, too.
    }
    try {
      const accepted = parseJsonBody(encodeUtf8(damaged), { maxDepth: 64, maxValues: 10_000 });
      // A byte order mark is accepted here, and not by JSON.parse.
      if (parsed !== undefined) assert.deepEqual(rounded(accepted), rounded(parsed));
      else assert.ok(damaged.startsWith("\ufeff"));
    } catch (error) {
      assert.ok(error instanceof AditError && error.kind === "invalid_request", String(error));
    }
  },
};

const eventStream: Target = {
  name: "event streams",
  run(random) {
    const frames = Array.from({ length: 1 + random.below(4) }, (_, index) =>
      encodeFrame(
        { ":event-type": "chunk", ":message-type": "event", n: String(index) },
        encodeUtf8(random.text(SPLICES, 50)),
      ));
    const whole = concat(frames);
    const bytes = brokenBytes(random, whole);
    const isWhole = bytes.length === whole.length && bytes.every((byte, at) => byte === whole[at]);
    const decoder = new FrameDecoder({ maxFrameBytes: 1 << 16 });
    let decoded = 0;
    try {
      for (let at = 0; at < bytes.length;) {
        const to = Math.min(bytes.length, at + 1 + random.below(40));
        for (const frame of decoder.push(bytes.slice(at, to))) {
          assert.equal(frame.headers.get("n"), String(decoded++));
        }
        at = to;
      }
      decoder.end();
      // A cut between two frames is not visible.
      assert.ok(decoded <= frames.length);
    } catch (error) {
      assert.ok(error instanceof EventStreamError, String(error));
      assert.equal(isWhole, false);
    }
    if (isWhole) assert.equal(decoded, frames.length);
  },
};

const FILES = ["config/adit.yaml", "config/adit.production.yaml"].map(readRepositoryFile);

const yaml: Target = {
  name: "YAML",
  async run(random) {
    const text = broken(random, random.pick(FILES));
    const loaded = await loadConfig("/etc/adit/adit.yaml", {
      env: {},
      readFile: (path) =>
        path === "/etc/adit/adit.yaml"
          ? Promise.resolve(encodeUtf8(text))
          : Promise.reject(Object.assign(new Error("missing"), { code: "ENOENT" })),
    });
    if (!loaded.ok) assert.ok(loaded.problems.length > 0);
  },
};

const HEADERS = [
  ...["authorization", "x-api-key", "cf-aig-authorization", "content-type", "content-encoding", "accept"],
  ...["anthropic-beta", "anthropic-version", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"],
  ...["x-amzn-bedrock-trace", "x-forwarded-for", "forwarded", "origin", "content-length", "host"],
];
const SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=00ff";
const PATHS = [
  CHAT,
  CONVERSE,
  "/v1/messages",
  "/v1/models/%2e%2e",
  "/model/arn:aws:x/invoke",
  "/async-invoke",
  "/",
];

/** A value that HTTP allows in a header. */
const headerText = (text: string) => text.replace(/[^\t\x20-\x7e]/g, "").trim();

const headers: Target = {
  name: "headers and paths",
  async run(random) {
    const gateway = startGateway({ ...CONFIG, trustedProxies: ["192.0.2.0/24"], cors: { origins: ["*"] } });
    const given: Record<string, string> = random.below(2) === 0 ? { ...KEY } : {};
    for (let count = random.below(5); count > 0; count--) {
      const value = random.pick([SIGNATURE, "Bearer key", "gzip", "20261120T090000Z", '"for=[::1]:1', "1"]);
      given[random.pick(HEADERS)] = headerText(broken(random, value));
    }
    const path = `/${broken(random, random.pick(PATHS)).replace(/[^\x21-\x7e]/g, "").replace(/^\/+/, "")}`;
    const method = random.pick(["GET", "POST", "OPTIONS", "HEAD", "PUT"]);
    const { response } = gateway.send(path, {
      method,
      headers: given,
      ...(method === "POST" || method === "PUT" ? { body: broken(random, chatBody()) } : {}),
    });
    // What passes every check is answered like anything else.
    const answer = await Promise.race([
      response,
      gateway.bedrock.call(0).then((call) => {
        call.answerWhole(400, "{}", { "x-amzn-requestid": "r" });
        return response;
      }),
    ]);
    assert.notEqual(answer.status, 500, `${method} ${path} ${JSON.stringify(given)}`);
    await answer.body?.cancel();
  },
};

const framing: Target = {
  name: "framing",
  async run(random) {
    const served: string[] = [];
    const server = denoRuntime.serve({
      hostname: "127.0.0.1",
      port: 0,
      async handle(request, { target }) {
        try {
          served.push(`${target} ${await request.text()}`);
        } catch {
          // A body that breaks off.
        }
        return new Response("ok");
      },
    });
    const url = `http://127.0.0.1:${server.port}`;
    const chunked = requestText("POST /chunked", { "Transfer-Encoding": "chunked" }) +
      "3\r\nabc\r\n0\r\n\r\n";
    const text = random.pick([requestText("POST /whole", {}, "abc"), chunked, requestText("GET /none")]);
    const client = await connectRaw(url);
    client.send(broken(random, text));
    // The server is there for the next client, whatever the last one has sent.
    await using next = await connectRaw(url);
    next.send(requestText("POST /next", {}, "body"));
    assert.equal(decodeUtf8((await next.answer())?.body ?? new Uint8Array()), "ok");
    assert.ok(served.includes("/next body"));
    await client.close();
    await server.close();
  },
};

export const TARGETS: readonly Target[] = [json, eventStream, yaml, headers, framing];
