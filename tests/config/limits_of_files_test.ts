/** Size limits of the files of a configuration. */

import { deepEqual, equal, match } from "node:assert/strict";
import { loadConfig } from "../../lib/config/load.ts";
import { ReadError, readFile } from "../../lib/config/file/files.ts";

const MIB = 1024 * 1024;
const CONFIG = "providers: { local: { type: emulator } }\n";

async function load(path: string, text: string) {
  const folder = await Deno.makeTempDir({ prefix: "adit-size-" });
  try {
    const main = path === "adit.yaml" ? text : `include: ${path}\nlog: { level: info }\n`;
    await Deno.writeTextFile(`${folder}/adit.yaml`, main);
    if (path !== "adit.yaml") await Deno.writeTextFile(`${folder}/${path}`, text);
    return await loadConfig(`${folder}/adit.yaml`, { readFile, env: {} });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function padded(length: number): string {
  return CONFIG + "#".repeat(length - CONFIG.length - 1) + "\n";
}

Deno.test("a configuration of exactly 1 MiB is read, and one byte more is a problem", async () => {
  equal((await load("adit.yaml", padded(MIB))).ok, true);
  const larger = await load("adit.yaml", padded(MIB + 1));
  deepEqual(larger.ok ? [] : larger.problems.map(({ message }) => message), [
    "cannot read the file: larger than 1 MiB",
  ]);
});

Deno.test("a change of an included file is reported, too", async () => {
  equal((await load("more.yaml", padded(MIB))).ok, true);
  const larger = await load("more.yaml", padded(MIB + 1));
  match(larger.ok ? "" : larger.problems[0]?.message ?? "", /larger than 1 MiB/);
});

Deno.test("an unknown error of a reader is named, too", async () => {
  const loaded = await loadConfig("adit.yaml", {
    readFile: () => Promise.reject(new ReadError("ELOOP")),
    env: {},
  });
  match(loaded.ok ? "" : loaded.problems[0]?.message ?? "", /symbolic links/);
});
