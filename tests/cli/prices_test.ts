/** The output of `adit prices`, and its imports. */

import { deepEqual, equal, match } from "node:assert/strict";
import { parse } from "yaml";
import { prices } from "../../lib/cli/prices.ts";
import { pricesFile } from "../../lib/config/schema/price_keys.ts";
import { runWith } from "./run.ts";

async function inFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const CONFIG = `prices: { file: prices.yaml }
providers: { local: { type: emulator } }
models: { m: { provider: local, id: us.amazon.nova-lite-v1:0 } }
callers: {}
`;

Deno.test("prices shows the rows of the file before the built-in ones", async () => {
  const rows = `- { match: "us.amazon.nova-lite*", usd_per_million: { input: "0.05", output: "0.2" } }\n`;
  await inFolder({ "adit.yaml": CONFIG, "prices.yaml": rows }, async (folder) => {
    const { code, out } = await runWith({}, prices, "us.amazon.nova-lite", "--config", `${folder}/adit.yaml`);
    equal(code, 0);
    const [first = "", second = ""] = out.split(/\n(?=\S)/);
    equal(
      first,
      `us.amazon.nova-lite*
  input 0.05, output 0.2 USD per million tokens
  row us.amazon.nova-lite* of prices.file`,
    );
    match(second, /^amazon\.nova-lite-v1:0, us\.amazon\.nova-lite-v1:0\n/);
  });
});

Deno.test("a file of prices with mistakes is reported with their places", async () => {
  const rows = `- { match: x, usd_per_million: { input: 3.30 } }
- { match: y, tiers: { flex: half } }
- { match: z, usd_per_million: { input: "1" }, from: 2027-02-30 }
- { match: w, regions: [us-east-1] }
`;
  await inFolder({ "adit.yaml": CONFIG, "prices.yaml": rows }, async (folder) => {
    const { code, err } = await runWith({}, prices, "--config", `${folder}/adit.yaml`);
    equal(code, 1);
    match(
      err,
      /prices\.yaml:1:\d+: \[0\]\.usd_per_million\.input: expected an amount of US dollars as a string/,
    );
    match(err, /prices\.yaml:2:\d+: \[1\]\.tiers\.flex: expected a factor such as x0\.5, found "half"/);
    match(
      err,
      /prices\.yaml:4:\d+: \[3\]: expected a row with match, and with usd_per_million or usd_per_unit/,
    );
    match(err, /prices\.yaml:3:\d+: \[2\]\.from: expected a date such as 2027-01-31, found "2027-02-30"/);
  });
});

Deno.test("a model to assume must have a price", async () => {
  const config = CONFIG.replace("{ file: prices.yaml }", "{ unknown: { assume: nobody.knows } }");
  await inFolder({ "adit.yaml": config }, async (folder) => {
    const { code, err } = await runWith({}, prices, "--config", `${folder}/adit.yaml`);
    equal(code, 1);
    match(err, /prices\.unknown\.assume: there is no price for "nobody\.knows"; see "adit prices"/);
  });
});

Deno.test("prices --litellm prints rows and says what it could not convert", async () => {
  const file = JSON.stringify({
    "eu.amazon.nova-x-v1:0": { litellm_provider: "bedrock_converse", input_cost_per_token: 6e-8 },
    "amazon.sound-v1:0": { litellm_provider: "bedrock", input_cost_per_audio_per_second: 1e-4 },
  });
  await inFolder({ "litellm.json": file, "broken.json": "{" }, async (folder) => {
    const { code, out, err } = await runWith({}, prices, "--litellm", `${folder}/litellm.json`);
    equal(code, 0);
    deepEqual(pricesFile.parse(parse(out)), [{
      match: "eu.amazon.nova-x-v1:0",
      usd_per_million: { input: "0.06" },
    }]);
    equal(
      err,
      `amazon.sound-v1:0: input_cost_per_audio_per_second is not counted by the gateway (not imported)
amazon.sound-v1:0: no price for tokens, images or searches (not imported)
1 row; 2 prices could not be imported
`,
    );
    const broken = await runWith({}, prices, "--litellm", `${folder}/broken.json`);
    equal(broken.code, 1);
    match(broken.err, /expected LiteLLM's price file, a JSON object/);
  });
});

Deno.test("prices --aws prints rows that the configuration can use, and says what it could not convert", async () => {
  const product = (model: string) => ({
    attributes: {
      model,
      inferenceType: "Input tokens",
      regionCode: "eu-west-1",
      usagetype: "EUW1-X-input-tokens",
    },
  });
  const price = {
    term: { priceDimensions: { d: { unit: "1K tokens", pricePerUnit: { USD: "0.0000700000" } } } },
  };
  const file = JSON.stringify({
    products: { one: product("Nova Lite"), two: product("Nova Unheard") },
    terms: { OnDemand: { one: price, two: price } },
  });
  const config = `providers: { local: { type: emulator, region: eu-west-1 } }
models: { nova: { provider: local, id: eu.amazon.nova-lite-v1:0 } }
callers: {}
prices: { file: prices.yaml }
`;
  const files = { "aws.json": file, "list.json": "[]", "adit.yaml": config };
  await inFolder(files, async (folder) => {
    const { code, out, err } = await runWith({}, prices, "--aws", `${folder}/aws.json`);
    equal(code, 0);
    equal(
      err,
      `Nova Unheard X-input-tokens: no model id is known for "Nova Unheard" (not imported)
1 row; 1 price could not be imported
`,
    );
    await Deno.writeTextFile(`${folder}/prices.yaml`, out);
    const shown = await runWith({}, prices, "eu.amazon.nova-lite-v1:0", "--config", `${folder}/adit.yaml`);
    match(
      shown.out,
      /^amazon\.nova-lite-v1:0, eu\.amazon\.nova-lite-v1:0.*\n {2}input 0\.07 USD per million tokens\n/,
    );
    const broken = await runWith({}, prices, "--aws", `${folder}/list.json`);
    equal(broken.code, 1);
    match(broken.err, /expected an offer index file of AWS's price list/);
  });
});

Deno.test("prices converts files that are larger than a configuration may be", async () => {
  const entry = {
    litellm_provider: "bedrock_converse",
    input_cost_per_token: 6e-8,
    source: "x".repeat(2 ** 21),
  };
  await inFolder({ "litellm.json": JSON.stringify({ "amazon.nova-x-v1:0": entry }) }, async (folder) => {
    const { code, out, err } = await runWith({}, prices, "--litellm", `${folder}/litellm.json`);
    deepEqual([code, err], [0, "1 row; 0 prices could not be imported\n"]);
    match(out, /amazon\.nova-x-v1:0/);
  });
});

Deno.test("options of prices that cannot be combined are wrong usage", async () => {
  const both = await runWith({}, prices, "--litellm", "a.json", "--aws", "b.json");
  equal(both.code, 2);
  match(both.err, /^Cannot combine --litellm with --aws\n/);
  const model = await runWith({}, prices, "nova", "--litellm", "a.json");
  equal(model.code, 2);
  match(model.err, /^Cannot combine MODEL with --litellm or --aws\n/);
});

Deno.test("a configuration that ADIT_CONFIG names must be readable", async () => {
  const { code, err } = await runWith({ ADIT_CONFIG: "/nowhere/adit.yaml" }, prices, "nova");
  equal(code, 1);
  equal(err, "/nowhere/adit.yaml:1:1: cannot read the file: no such file\n");
});

Deno.test("a model without a price is reported", async () => {
  const { code, err } = await runWith({}, prices, "no-such-model");
  equal(code, 1);
  equal(err, 'No price for "no-such-model"\n');
});
