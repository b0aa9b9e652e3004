/** Every folder of tests/golden/config is a configuration and exactly what is to be said about it. */

import { equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { formatProblem } from "../../lib/base/problems.ts";

const CASES = join(import.meta.dirname ?? "", "../golden/config");
const REWRITE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** No message may contain this: every secret in the cases has it, in the files, beside them and here. */
const SECRET = "hunter2";

const ENV = {
  SECRET: `${SECRET}-from-env`,
  EMPTY: "",
  TWO_LINES: `${SECRET}\nsecond line`,
  REGION: "eu-north-1",
};

async function report(folder: string): Promise<string> {
  const loaded = await loadConfig(join(folder, "adit.yaml"), {
    readFile,
    // That of a checkout is whatever the umask made of it.
    modeOf: () => Promise.resolve(0o600),
    env: ENV,
  });
  const lines = [
    ...loaded.warnings.map((warning) => `${formatProblem(warning)} (warning)`),
    ...(loaded.ok ? ["ok"] : loaded.problems.map(formatProblem)),
  ];
  return lines.map((line) => line.replaceAll(`${folder}/`, "") + "\n").join("");
}

for (const name of readdirSync(CASES).toSorted()) {
  Deno.test(`configuration "${name}" is reported as its golden file says`, async () => {
    const folder = join(CASES, name);
    const golden = join(folder, "expected.txt");
    const actual = await report(folder);
    ok(!actual.includes(SECRET), `a secret is shown in\n${actual}`);
    if (REWRITE) writeFileSync(golden, actual);
    equal(actual, readFileSync(golden, "utf8"));
  });
}
