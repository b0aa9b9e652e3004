/** The settings of other gateways in the benchmark. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { parsePeers, peerBody, peerPath, placed } from "./peers.ts";

const REQUIRED = { name: "mine", command: ["mine"], url: "http://127.0.0.1:{port}" };

function peer(changes: object = {}) {
  const [parsed] = parsePeers(JSON.stringify([{ ...REQUIRED, ...changes }]));
  if (parsed === undefined) throw new Error("no peer");
  return parsed;
}

Deno.test("a peer with only the required settings gets Chat requests for Adit's models", () => {
  const mine = peer({ url: "http://127.0.0.1:{port}/" });
  equal(mine.url, REQUIRED.url);
  equal(peerPath(mine, "chat"), "/v1/chat/completions");
  equal(peerPath(mine, "chat stream"), "/v1/chat/completions");
  equal(peerPath(mine, "messages stream"), undefined);
  equal(peerPath(mine, "native stream"), undefined);
  const body = '{"model":"bench.burst","stream":true,"messages":[]}';
  deepEqual(JSON.parse(peerBody(mine, body, "burst")), JSON.parse(body));
});

Deno.test("a peer may have its own model, paths and members of the body", () => {
  const mine = peer({
    model: "bedrock/{pace}-{pace}",
    path: "/api/chat",
    messages_path: "/api/messages",
    body: { max_tokens: null, max_completion_tokens: 9, tools: [] },
  });
  equal(peerPath(mine, "chat"), "/api/chat");
  equal(peerPath(mine, "messages stream"), "/api/messages");
  const body = '{"model":"bench.even","max_tokens":1,"tools":[1],"stop":null}';
  deepEqual(JSON.parse(peerBody(mine, body, "even")), {
    model: "bedrock/even-even",
    max_completion_tokens: 9,
    tools: [],
    stop: null,
  });
});

Deno.test("a peer's process learns where the upstream is and where to listen", () => {
  const at = { upstream: "http://127.0.0.1:5000", port: 4001 };
  equal(placed("--to={upstream}/x", at), "--to=http://127.0.0.1:5000/x");
  equal(placed("{upstream_host}", at), "127.0.0.1:5000");
  equal(placed(peer().url, at), "http://127.0.0.1:4001");
});

const WRONG: readonly (readonly [text: string, problem: RegExp])[] = [
  ["", /expected a JSON list/],
  ["{}", /expected array/],
  [JSON.stringify([{ ...REQUIRED, port: 1 }]), /Unrecognized key: "port"/],
  [JSON.stringify([{ ...REQUIRED, url: "127.0.0.1:{port}" }]), /\[0\]\.url/],
  [
    JSON.stringify([{ ...REQUIRED, url: "http://127.0.0.1:4000" }]),
    /expected http:\/\/, a host and \{port\}/,
  ],
  [JSON.stringify([{ ...REQUIRED, path: "v1" }]), /\[0\]\.path/],
  [JSON.stringify([{ ...REQUIRED, command: [] }]), /\[0\]\.command/],
  [JSON.stringify([{ ...REQUIRED, headers: { "x-key": 1 } }]), /\[0\]\.headers/],
];

for (const [text, problem] of WRONG) {
  Deno.test(`peers cannot be read from ${text || "nothing"}`, () => {
    throws(() => parsePeers(text), problem);
  });
}
