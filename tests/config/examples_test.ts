/** Every example configuration is valid without a warning, begins with a comment, and is in the index. */

import assert from "node:assert/strict";
import { check } from "../../lib/cli/check.ts";
import { selfSignedCertificate } from "../fakes/certificate.ts";
import { readRepositoryFile, repositoryFiles } from "../meta/sources.ts";
import { repositoryPath } from "../repository.ts";
import { runWith } from "../cli/run.ts";

const FOLDER = "config/examples/";
const examples = (await repositoryFiles()).filter((path) =>
  path.startsWith(FOLDER) && path.endsWith(".yaml")
);

/** Values of `${credential:NAME}` in the examples. */
const { certificate, key } = selfSignedCertificate();
const CREDENTIALS: Readonly<Record<string, string>> = {
  tls_certificate: certificate,
  tls_key: key,
  batch_secret: "a-secret-of-more-than-thirty-two-characters",
};

assert.ok(examples.length >= 10);

for (const path of examples) {
  Deno.test(`${path} is accepted without a warning`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "adit-examples-" });
    try {
      for (const [name, text] of Object.entries(CREDENTIALS)) {
        await Deno.writeTextFile(`${folder}/${name}`, text);
      }
      const { code, out, err } = await runWith(
        { CREDENTIALS_DIRECTORY: folder },
        check,
        "--config",
        repositoryPath(path),
      );
      assert.deepEqual({ code, err }, { code: 0, err: "" }, out);
      assert.match(out, /^\S+: ok \(providers: \d+, models: \d+, routes: \d+, callers: \d+\)\n$/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("every example begins with a comment, and the index lists it", () => {
  const index = readRepositoryFile(`${FOLDER}README.md`);
  for (const path of examples) {
    assert.match(readRepositoryFile(path), /^# yaml-language-server: \S+\n#\n# [A-Z]/, path);
    assert.ok(index.includes(`](${path.slice(FOLDER.length)})`), path);
  }
});

Deno.test("the examples' keys are all different", () => {
  const hashes = examples.flatMap((path) => readRepositoryFile(path).match(/sha256:[0-9a-f]{64}/g) ?? []);
  assert.equal(new Set(hashes).size, hashes.length);
});
