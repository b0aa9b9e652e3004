/** Each case of tests/golden/litellm is a configuration of LiteLLM and the output of `adit import`. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { importConfig } from "../../../lib/cli/import.ts";
import { importLitellm } from "../../../lib/config/litellm/convert.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { formatProblem } from "../../../lib/base/problems.ts";
import { run } from "../../cli/run.ts";
import { casePaths, GOLDEN } from "../../suites/golden_files.ts";

const CASES = fileURLToPath(new URL("litellm/", GOLDEN));
const REWRITE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** Values of the references in the cases. */
const ENV = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  BEDROCK_KEY: "key",
  REGION: "eu-north-1",
};

for (const name of casePaths(new URL("litellm/", GOLDEN), "litellm.yaml")) {
  Deno.test(`LiteLLM's configuration "${name}" becomes one that passes the check`, async () => {
    const imported = importLitellm(readFileSync(join(CASES, name, "litellm.yaml"), "utf8"));
    ok(typeof imported !== "string");
    const actual = imported.text + imported.warnings.map((warning) => `# warning: ${warning}\n`).join("");
    const golden = join(CASES, name, "expected.yaml");
    if (REWRITE) writeFileSync(golden, actual);
    equal(actual, readFileSync(golden, "utf8"));

    const loaded = await loadConfig("adit.yaml", {
      env: ENV,
      readFile: () => Promise.resolve(encodeUtf8(imported.text)),
    });
    deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
  });
}

Deno.test("a literal secret is copied, with a warning", async () => {
  const { code, out, err } = await run(importConfig, "litellm", join(CASES, "secrets/litellm.yaml"));
  equal(code, 0);
  ok(out.includes("secret_access_key: hunter2$${x}\n"), "the string is escaped");
  ok(
    !out.includes("sk-hunter2") && !out.includes("postgres"),
    "only the hash of the master key, and no other secret",
  );
  equal(
    err,
    "providers.us-west-2: access_key_id, secret_access_key: literal secret in LiteLLM's file, copied to this one (warning)\n",
  );
});

Deno.test("an import error is one line", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/list.yaml`, "- a\n");
  await Deno.writeTextFile(`${folder}/broken.yaml`, "model_list: [\n");
  await Deno.writeTextFile(`${folder}/none.yaml`, "model_list: []\n");
  for (const name of ["list.yaml", "broken.yaml", "none.yaml", "nowhere.yaml"]) {
    const { code, out, err } = await run(importConfig, "litellm", `${folder}/${name}`);
    deepEqual([code, out, err.trim().split("\n").length], [1, "", 1], name);
  }
  const { err } = await run(importConfig, "litellm", `${folder}/broken.yaml`);
  equal(err, `Cannot import "${folder}/broken.yaml": invalid YAML at line 2\n`);
  equal((await run(importConfig, "portkey", "x.yaml")).code, 2);
  equal((await run(importConfig, "litellm")).code, 2);
  await Deno.remove(folder, { recursive: true });
});
