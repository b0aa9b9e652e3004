import { deepEqual, equal, ok } from "node:assert/strict";
import { basename, dirname } from "node:path";

import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { loadConfig, type LoadResult } from "../../../lib/config/load.ts";
import { formatProblem } from "../../../lib/base/problems.ts";
import { watchConfig } from "../../../lib/config/watch.ts";
import { readFile } from "../../../lib/config/file/files.ts";

/** Loads /etc/adit/adit.yaml from a file system with only these files. */
function load(files: Readonly<Record<string, string>>): Promise<LoadResult> {
  const missing = () => Object.assign(new Error("missing"), { code: "ENOENT" });
  return loadConfig("/etc/adit/adit.yaml", {
    env: {},
    readFile: (path) => {
      const content = files[path];
      return content === undefined ? Promise.reject(missing()) : Promise.resolve(encodeUtf8(content));
    },
    listFolder: (folder) => {
      const names = Object.keys(files).filter((path) => dirname(path) === folder).map((path) =>
        basename(path)
      );
      return names.length === 0 ? Promise.reject(missing()) : Promise.resolve(names);
    },
  });
}

const PROVIDER = "providers: { local: { type: emulator } }\n";
const model = (...names: string[]) =>
  `models: { ${names.map((name) => `${name}: { provider: local, id: x }`).join(", ")} }\n`;

Deno.test("entries are in the order of the files: the main file, then each pattern", async () => {
  const loaded = await load({
    "/etc/adit/adit.yaml": `include: [z.yaml, "conf.d/*.yaml", "conf.d/*"]\n${PROVIDER}${model("own")}`,
    "/etc/adit/z.yaml": model("named"),
    "/etc/adit/conf.d/b.yaml": model("second", "third"),
    "/etc/adit/conf.d/a.yaml": model("first"),
    "/etc/adit/conf.d/a.conf": model("last"),
  });
  ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(formatProblem).join("\n"));
  deepEqual([...loaded.snapshot.models.keys()], ["own", "named", "first", "second", "third", "last"]);
});

Deno.test("the files are watched, and so is what the patterns match", async () => {
  const loaded = await load({
    "/etc/adit/adit.yaml": `include: [conf.d/*.yaml, "nowhere/*.yaml"]\n${PROVIDER}`,
    "/etc/adit/conf.d/a.yaml": model("first"),
  });
  deepEqual([...loaded.files.keys()], [
    "/etc/adit/adit.yaml",
    "/etc/adit/conf.d/*.yaml/",
    "/etc/adit/nowhere/*.yaml/",
    "/etc/adit/conf.d/a.yaml",
  ]);
  equal(loaded.files.get("/etc/adit/nowhere/*.yaml/"), "ENOENT");
});

Deno.test("a file that includes its whole folder does not include itself", async () => {
  const loaded = await load({
    "/etc/adit/adit.yaml": `include: "*.yaml"\n${PROVIDER}`,
    "/etc/adit/models.yaml": model("fast"),
  });
  ok(loaded.ok);
  deepEqual([...loaded.snapshot.models.keys()], ["fast"]);
});

Deno.test("the number of included files is bounded", async () => {
  const many = Array.from({ length: 257 }, (_, index) => [`/etc/adit/conf.d/${index}.yaml`, ""]);
  const loaded = await load({
    "/etc/adit/adit.yaml": `include: conf.d/*.yaml\n${PROVIDER}`,
    ...Object.fromEntries(many),
  });
  ok(!loaded.ok);
  deepEqual(loaded.problems.map(formatProblem), [
    "/etc/adit/adit.yaml:1:10: include: expected at most 256 files, found 257",
  ]);
});

/** Time after which an unnoticed change fails the test. */
const HANG_MS = 90_000;

Deno.test("files that appear, change and disappear are each a change", async () => {
  const folder = await Deno.makeTempDir({ prefix: "adit-include-" });
  await Deno.mkdir(`${folder}/conf.d`);
  const path = `${folder}/adit.yaml`;
  await Deno.writeTextFile(path, `include: conf.d/*.yaml\n${PROVIDER}`);
  let changed = Promise.withResolvers<readonly string[]>();
  async function namesOf(): Promise<readonly string[]> {
    const loaded = await loadConfig(path, { readFile, env: {} });
    watch?.update(loaded.files);
    return loaded.ok ? [...loaded.snapshot.models.keys()] : loaded.problems.map(formatProblem);
  }
  const { files } = await loadConfig(path, { readFile, env: {} });
  const watch = watchConfig({
    files,
    onChange: async () => {
      changed.resolve(await namesOf());
      return undefined;
    },
    onError: (error) => changed.reject(error),
    pollMs: 3_600_000,
  });
  async function after(change: () => Promise<void>): Promise<readonly string[]> {
    changed = Promise.withResolvers();
    const hang = setTimeout(() => changed.reject(new Error("the change was not noticed")), HANG_MS);
    try {
      await change();
      return await changed.promise;
    } finally {
      clearTimeout(hang);
    }
  }
  try {
    await watch.ready;
    const file = `${folder}/conf.d/a.yaml`;
    // Written elsewhere and moved, so that no incomplete file is read.
    const write = (text: string) => async () => {
      await Deno.writeTextFile(`${folder}/conf.d/.new`, text);
      await Deno.rename(`${folder}/conf.d/.new`, file);
    };
    deepEqual(await after(write(model("fast"))), ["fast"]);
    deepEqual(await after(write(model("slow"))), ["slow"]);
    deepEqual(await after(() => Deno.remove(file)), []);
  } finally {
    watch.close();
    await Deno.remove(folder, { recursive: true });
  }
});
