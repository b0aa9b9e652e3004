/** Each case of tests/golden/config is a configuration and the exact problems and warnings. */

import { equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { readFile } from "../../lib/config/file/files.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { formatProblem } from "../../lib/base/problems.ts";
import { casePaths, GOLDEN } from "../suites/golden_files.ts";

const CASES = new URL("config/", GOLDEN);
const REWRITE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** No message may contain this part of every secret in the cases and their environment. */
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
    // The mode in a checkout depends on the umask.
    modeOf: () => Promise.resolve(0o600),
    env: ENV,
  });
  const lines = [
    ...loaded.warnings.map((warning) => `${formatProblem(warning)} (warning)`),
    ...(loaded.ok ? ["ok"] : loaded.problems.map(formatProblem)),
  ];
  return lines.map((line) => line.replaceAll(`${folder}/`, "") + "\n").join("");
}

for (const path of casePaths(CASES, "adit.yaml")) {
  Deno.test(`golden configuration: ${path}`, async () => {
    const folder = fileURLToPath(new URL(path, CASES));
    const golden = join(folder, "expected.txt");
    const actual = await report(folder);
    ok(!actual.includes(SECRET), `a secret is shown in\n${actual}`);
    if (REWRITE) writeFileSync(golden, actual);
    equal(actual, readFileSync(golden, "utf8"));
  });
}
