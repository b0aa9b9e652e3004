/** Callers in shared memory equal those that were packed, however they are looked up. */

import { deepEqual, equal, strictEqual, throws } from "node:assert/strict";
import { sha256Hex } from "../../lib/base/hash.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { openSnapshot, packSnapshot } from "../../lib/snapshot/packed_callers.ts";
import { numberOf, packIndex, packTexts, textAt, textsIn } from "../../lib/snapshot/packed_index.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot.ts";

const COUNT = 500;

const HEAD = `
providers: { local: { type: emulator } }
models: { nova: { provider: local, id: amazon.nova-lite-v1:0 } }
callers:
  plain: { key: sha256:${sha256Hex("plain")}, models: [nova] }
  rich:
    key: [sha256:${sha256Hex("new")}, { hash: sha256:${sha256Hex("old")}, expires: 2030-01-01 }]
    models: ["no*", nova]
    native: { regions: [us-east-1], ids: ["amazon.*"] }
    team: search
    tags: { cost-center: "4711" }
    aws: { access_key_id: ADITAAAAAAAAAAAA, secret_access_key: ${"s".repeat(40)} }
    s3: [media-*]
    expires: 2031-01-01
    disabled: true
    data_residency: [us]
  none: { aws: { access_key_id: ADITBBBBBBBBBBBB, secret_access_key: ${"t".repeat(40)} } }
`;

async function load(): Promise<Snapshot> {
  const many = Array.from(
    { length: COUNT },
    (_, index) => `  caller-${index}: { key: sha256:${sha256Hex(`key-${index}`)}, models: ["*"] }\n`,
  );
  const bytes = new TextEncoder().encode(HEAD + many.join(""));
  const loaded = await loadConfig("adit.yaml", { readFile: () => Promise.resolve(bytes), env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.snapshot;
}

Deno.test("every caller is found by name, key and access key id, with all of its permissions", async () => {
  const before = await load();
  const after = openSnapshot(packSnapshot(before));
  for (const index of ["callers", "callersByKeyHash", "callersByAccessKeyId"] as const) {
    deepEqual([...after[index].keys()], [...before[index].keys()]);
    deepEqual([...after[index].entries()], [...before[index].entries()]);
    for (const [key, caller] of before[index].entries()) deepEqual(after[index].get(key), caller);
    equal(after[index].size, before[index].size);
  }
  deepEqual([...after.callers.values()], [...before.callers.values()]);
});

Deno.test("a caller is one object however it is found, and so are equal lists", async () => {
  const { callers, callersByKeyHash } = openSnapshot(packSnapshot(await load()));
  strictEqual(callersByKeyHash.get(sha256Hex("old")), callers.get("rich"));
  strictEqual(callersByKeyHash.get(sha256Hex("new")), callersByKeyHash.get(sha256Hex("old")));
  strictEqual(callers.get("caller-1")?.models, callers.get("caller-2")?.models);
});

Deno.test("callers that are not in the file are not found", async () => {
  const { callers, callersByKeyHash, callersByAccessKeyId } = openSnapshot(packSnapshot(await load()));
  for (const key of ["", "caller-", "caller-500", "plain ", "PLAIN", "é", sha256Hex(""), "__proto__"]) {
    deepEqual(
      [callers.get(key), callersByKeyHash.get(key), callersByAccessKeyId.get(key)],
      [undefined, undefined, undefined],
      key,
    );
  }
});

Deno.test("a snapshot without callers can be packed", async () => {
  const snapshot = {
    ...await load(),
    callers: new Map(),
    callersByKeyHash: new Map(),
    callersByAccessKeyId: new Map(),
  };
  const { callers } = openSnapshot(packSnapshot(snapshot));
  deepEqual([callers.size, callers.get("plain"), [...callers.keys()]], [0, undefined, []]);
});

Deno.test("an index finds all of its texts and no others, however similar they are", () => {
  const texts = Array.from({ length: 3000 }, (_, index) => "a".repeat(index % 7) + index.toString(3));
  const distinct = [...new Set(texts)];
  const index = packIndex(distinct.map((text, number) => [text, number * 2]));
  for (const [number, text] of distinct.entries()) equal(numberOf(text, index), number * 2);
  const others = Array.from({ length: 3000 }, (_, index) => `b${index}`);
  deepEqual(others.filter((text) => numberOf(text, index) !== undefined), []);
  deepEqual([...textsIn(index)], distinct);
});

Deno.test("an index refuses characters that do not fit, and packed texts may contain any", () => {
  throws(() => packIndex([["Ā", 1]]), RangeError);
  const list = ["", "é", "\u{1f600}", "a\0b"];
  const packed = packTexts(list);
  deepEqual(list.map((_, number) => textAt(number, packed)), list);
});
