import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readErrorReason, readFile, RecordingReader } from "../../../lib/config/file/files.ts";
import { firstReference, Outside, parseTemplate } from "../../../lib/config/file/interpolate.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "adit-interpolate-"));
mkdirSync(join(FOLDER, "credentials"));
writeFileSync(join(FOLDER, "credentials/token"), "from systemd\n");
writeFileSync(join(FOLDER, "plain"), "no newline");
writeFileSync(join(FOLDER, "two-newlines"), "value\n\n");
writeFileSync(join(FOLDER, "windows"), "value\r\n");
writeFileSync(join(FOLDER, "reference"), "${env:NAME}\n");
writeFileSync(join(FOLDER, "large"), "x".repeat(1024 * 1024 + 1));

Deno.test.afterAll(() => rmSync(FOLDER, { recursive: true }));

const ENV = { NAME: "value", EMPTY: "", CREDENTIALS_DIRECTORY: join(FOLDER, "credentials") };

function outside(env: Record<string, string> = ENV): Outside {
  return new Outside({ reader: new RecordingReader(readFile), env, folder: FOLDER });
}

const RESOLVED: readonly (readonly [string, string])[] = [
  ["plain text", "plain text"],
  ["${env:NAME}", "value"],
  ["a ${env:NAME} b ${env:NAME}", "a value b value"],
  ["${env:EMPTY}", ""],
  ["${env:EMPTY:-default}", "default"],
  ["${env:UNSET:-default}", "default"],
  ["${env:UNSET:-}", ""],
  ["${env:UNSET:-a:-b}", "a:-b"],
  ["${env:NAME:-default}", "value"],
  ["${file:plain}", "no newline"],
  ["${file:./plain}", "no newline"],
  [`\${file:${join(FOLDER, "plain")}}`, "no newline"],
  ["${file:two-newlines}", "value\n"],
  ["${file:windows}", "value"],
  ["${file:reference}", "${env:NAME}"],
  ["Bearer ${credential:token}", "Bearer from systemd"],
  ["$${env:NAME}", "${env:NAME}"],
  ["$$${env:NAME}", "$${env:NAME}"],
  ["cost: $5, $$5, {x}", "cost: $5, $$5, {x}"],
];

for (const [text, expected] of RESOLVED) {
  Deno.test(`${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, async () => {
    const template = parseTemplate(text);
    deepEqual(template && await outside().resolveTemplate(template), { ok: true, text: expected });
  });
}

const MALFORMED = [
  "${",
  "${}",
  "${NAME}",
  "${env:}",
  "${env:1X}",
  "${env:NAME",
  "${env:NAME-default}",
  "${file:}",
  "${credential:}",
  "${credential:../token}",
  "${credential:..}",
  "${credential:a/b}",
  "${Env:NAME}",
  "${ env:NAME }",
];

for (const text of MALFORMED) {
  Deno.test(`${JSON.stringify(text)} is not a reference`, () => {
    equal(parseTemplate(text), undefined);
  });
}

const FAILED: readonly (readonly [string, string])[] = [
  ["${env:UNSET}", 'environment variable "UNSET" is not set; set it or use ${env:UNSET:-default}'],
  ["${file:missing}", 'cannot read file "missing": no such file'],
  ["${file:large}", 'cannot read file "large": larger than 1 MiB'],
  ["${file:credentials}", 'cannot read file "credentials": is a directory'],
  ["${file:/dev/zero}", 'cannot read file "/dev/zero": not a regular file'],
  ["${credential:missing}", 'cannot read credential "missing": no such file'],
];

for (const [text, reason] of FAILED) {
  Deno.test(`${text} fails: ${reason}`, async () => {
    deepEqual(await outside().resolveTemplate(parseTemplate(text) ?? []), { ok: false, reason });
  });
}

Deno.test("the first reference of a string is returned without its default", () => {
  equal(firstReference("a ${env:PORT:-hunter2} ${env:OTHER}"), "${env:PORT}");
  equal(firstReference("${credential:x}"), "${credential:x}");
  equal(firstReference("$${env:PORT}"), undefined);
  equal(firstReference("none"), undefined);
});

Deno.test("what a file held is remembered by its hash, what could not be read by the reason", async () => {
  const reader = new RecordingReader(readFile);
  const plain = join(FOLDER, "plain");
  const missing = join(FOLDER, "missing");
  await reader.read(plain);
  await rejects(reader.read(missing));
  deepEqual([...reader.fingerprints.keys()], [plain, missing]);
  equal(reader.fingerprints.get(missing), "ENOENT");
  match(reader.fingerprints.get(plain) ?? "", /^\d+ [0-9a-f]{64}$/);
});

Deno.test("a chain of links that never ends is an error, not a hang", async () => {
  symlinkSync("loop", join(FOLDER, "loop"));
  await rejects(
    readFile(join(FOLDER, "loop")),
    (error) => readErrorReason(error) === "too many levels of symbolic links",
  );
});
