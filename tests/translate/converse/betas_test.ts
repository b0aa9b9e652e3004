/** Beta flags sorted out by a table, and the fields that leave with them. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import type { JsonObject } from "../../../lib/base/json.ts";
import { betaTable } from "../../../lib/config/schema/beta_keys.ts";
import { compileBetaTable } from "../../../lib/facts/beta_table.ts";
import { applyBetas } from "../../../lib/translate/converse/betas.ts";
import { IgnoredFields } from "../../../lib/translate/converse/ignored.ts";

const TABLE = `
unknown: drop
pass: [good-*, new-name]
drop: [good-but-refused]
rename: { old-name: new-name }
fields:
  - { flags: [pair-*, good-pair], remove: [pair.inner, "tools[pair_*]"] }
  - { flags: [old-name], remove: [never] }
  - { flags: [alone-*], remove: [lonely], alone: good-alone }
  - { flags: [refused-*], remove: [unlucky], alone: good-but-refused }
  - { flags: [free-*], remove: [free], alone: keep }
replace:
  - { field: "tools[].eager", flag: good-eager }
  - { field: "hasty", flag: good-but-refused }
tools: [pair_*]
`;

const readTable = (text: string) => compileBetaTable(betaTable.parse(parse(text)));

interface Case {
  readonly flags: readonly string[];
  readonly body?: JsonObject;
  readonly table?: string;
  readonly sent: readonly string[];
  readonly left?: JsonObject;
  readonly ignored?: readonly string[];
}

const PAIRED = {
  pair: { inner: 1, other: 2 },
  tools: [{ type: "pair_1" }, { name: "mine" }, { type: "custom_pair_1" }],
};

const CASES: Readonly<Record<string, Case>> = {
  "a flag is sent once": { flags: ["good-1", "good-2", "good-1"], sent: ["good-1", "good-2"] },
  "an unknown flag is dropped and named": { flags: ["what"], sent: [], ignored: ["anthropic-beta[what]"] },
  "an unknown flag passes where the table says so": {
    flags: ["what"],
    table: TABLE.replace("unknown: drop", "unknown: pass"),
    sent: ["what"],
  },
  "a refused flag is dropped though a pattern would let it pass": {
    flags: ["good-but-refused"],
    table: TABLE.replace("unknown: drop", "unknown: pass"),
    sent: [],
    ignored: ["anthropic-beta[good-but-refused]"],
  },
  "a renamed flag is sent once beside its new name and keeps its fields": {
    flags: ["old-name", "new-name"],
    body: { never: 1 },
    sent: ["new-name"],
    left: { never: 1 },
  },
  "a dropped flag takes its members and elements": {
    flags: ["pair-1"],
    body: PAIRED,
    sent: [],
    left: { pair: { other: 2 }, tools: [{ name: "mine" }, { type: "custom_pair_1" }] },
    ignored: ["anthropic-beta[pair-1]", "pair.inner", "tools[pair]"],
  },
  "a dropped flag leaves the fields that another flag still asks for": {
    flags: ["pair-1", "good-pair"],
    body: PAIRED,
    sent: ["good-pair"],
    left: PAIRED,
    ignored: ["anthropic-beta[pair-1]"],
  },
  "members without their flag leave, too": {
    flags: [],
    body: PAIRED,
    sent: [],
    left: { pair: { other: 2 }, tools: [{ name: "mine" }, { type: "custom_pair_1" }] },
    ignored: ["pair.inner", "tools[pair]"],
  },
  "a member without its flag gets the one that Bedrock knows": {
    flags: ["good-1"],
    body: { lonely: false },
    sent: ["good-1", "good-alone"],
  },
  "a member leaves with its flag, though Bedrock knows another": {
    flags: ["alone-9"],
    body: { lonely: 1 },
    sent: [],
    left: {},
    ignored: ["anthropic-beta[alone-9]", "lonely"],
  },
  "no flag is added for a member that is not there": { flags: [], body: { other: 1 }, sent: [] },
  "a member leaves where the flag for it is refused": {
    flags: [],
    body: { unlucky: 1 },
    sent: [],
    left: {},
    ignored: ["unlucky"],
  },
  "a member that needs no flag stays": { flags: [], body: { free: 1 }, sent: [], left: { free: 1 } },
  "a member that needs no flag leaves with one that is dropped": {
    flags: ["free-1"],
    body: { free: 1 },
    sent: [],
    left: {},
    ignored: ["anthropic-beta[free-1]", "free"],
  },
  "a member that Bedrock refuses becomes its flag, once": {
    flags: [],
    body: { tools: [{ name: "a", eager: true }, { name: "b", eager: true }, { name: "c" }] },
    sent: ["good-eager"],
    left: { tools: [{ name: "a" }, { name: "b" }, { name: "c" }] },
  },
  "a member that Bedrock refuses and that asks for nothing just leaves": {
    flags: [],
    body: { tools: [{ name: "a", eager: false }], hasty: null },
    sent: [],
    left: { tools: [{ name: "a" }] },
  },
  "a member whose flag is refused leaves and is named": {
    flags: [],
    body: { hasty: true },
    sent: [],
    left: {},
    ignored: ["hasty"],
  },
  "what a removal leaves empty leaves too": {
    flags: ["pair-1"],
    body: { pair: { inner: 1 }, tools: [{ type: "pair_1" }], kept: [] },
    sent: [],
    left: { kept: [] },
    ignored: ["anthropic-beta[pair-1]", "pair.inner", "tools[pair]"],
  },
  "members of the wrong shape stay": {
    flags: ["pair-1"],
    body: { pair: "text", tools: { type: "pair_1" } },
    sent: [],
    left: { pair: "text", tools: { type: "pair_1" } },
    ignored: ["anthropic-beta[pair-1]"],
  },
};

for (
  const [name, { flags, body = {}, table = TABLE, sent, left = body, ignored = [] }] of Object.entries(CASES)
) {
  Deno.test(name, () => {
    const names = new IgnoredFields();
    const result = applyBetas(body, { flags, table: readTable(table), ignored: names });
    assert.deepEqual(result.flags, sent);
    assert.deepEqual(result.body, left);
    assert.deepEqual(names.list(), ignored);
  });
}

Deno.test("a body from which nothing is removed is not copied, and neither are its unchanged parts", () => {
  const body = { tools: [{ type: "pair_1" }, { name: "mine" }], messages: [{ role: "user" }] };
  const apply = (flags: string[]) =>
    applyBetas(body, { flags, table: readTable(TABLE), ignored: new IgnoredFields() }).body;
  assert.equal(apply(["good-pair"]), body);
  assert.equal(apply(["pair-1"]).messages, body.messages);
});

Deno.test("a member named __proto__ stays an ordinary member", () => {
  const body: JsonObject = JSON.parse('{"__proto__":{"x":1},"pair":{"inner":1}}');
  const { body: left } = applyBetas(body, {
    flags: ["pair-1"],
    table: readTable(TABLE),
    ignored: new IgnoredFields(),
  });
  assert.equal(JSON.stringify(left), '{"__proto__":{"x":1}}');
});
