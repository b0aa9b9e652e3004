import assert from "node:assert/strict";
import { basename } from "node:path/posix";
import { findCycle, layerOf, LAYERS, refusalOf, SHARED_VERBS } from "./layers.ts";
import { importsOf, readRepositoryFile, repositoryFiles } from "./sources.ts";

const program = (await repositoryFiles()).filter((path) =>
  layerOf(path) !== undefined && /\.tsx?$/.test(path)
);
const imports = new Map(program.map((path) => [
  path,
  importsOf(path, readRepositoryFile(path)).map((one) => one.path).filter((one) => one !== undefined),
]));

Deno.test("every file of the program imports only its own folder and the layers below it", () => {
  const refusals = [...imports].flatMap(([from, paths]) => paths.map((to) => refusalOf(from, to)));
  assert.deepEqual(refusals.filter((refusal) => refusal !== undefined), []);
});

Deno.test("no file of the program imports itself by way of others", () => {
  assert.equal(findCycle(imports), undefined);
});

Deno.test("the table of layers is equal to the imports that exist", () => {
  const used: Record<string, Set<string>> = {};
  for (const [from, paths] of imports) {
    const layer = layerOf(from) ?? "";
    used[layer] ??= new Set();
    for (const to of paths) {
      const other = layerOf(to);
      if (other !== undefined && other !== layer) used[layer].add(other);
    }
  }
  const table = (layers: Readonly<Record<string, Iterable<string>>>) =>
    Object.fromEntries(Object.entries(layers).map(([name, others]) => [name, [...others].sort()]));
  assert.deepEqual(table(used), table(LAYERS));
});

Deno.test("a basename occurs twice only in rooms that share their verbs", () => {
  const places = new Map<string, string[]>();
  for (const path of program) {
    if (SHARED_VERBS.has(layerOf(path) ?? "")) continue;
    places.set(basename(path), [...(places.get(basename(path)) ?? []), path]);
  }
  assert.deepEqual([...places.values()].filter((paths) => paths.length > 1), []);
});

Deno.test("every folder of the program is a layer, and every layer is there", () => {
  const layers = new Set(program.map(layerOf));
  assert.deepEqual([...layers].sort(), Object.keys(LAYERS).sort());
});

Deno.test("imports of every form are seen", () => {
  const source = `
    import a from "./a.ts";
    import type { B } from "../b.ts";
    import "node:net";
    export * from "./c.ts";
    export { d } from "./d.ts";
    const e = await import("./e.ts");
    type F = import("./f.ts").F;
    // import "./comment.ts";
    const text = 'import "./string.ts"';
  `;
  assert.deepEqual(
    importsOf("lib/server/x.ts", source).map(({ specifier, path }) => path ?? specifier),
    [
      "lib/server/a.ts",
      "lib/b.ts",
      "node:net",
      "lib/server/c.ts",
      "lib/server/d.ts",
      "lib/server/e.ts",
      "lib/server/f.ts",
    ],
  );
});

Deno.test("imports across and against the layers are refused", () => {
  const refused = [
    ["lib/base/bytes.ts", "lib/codec/sse.ts"],
    ["lib/translate/a.ts", "lib/aws/sign.ts"],
    ["lib/translate/a.ts", "lib/config/load.ts"],
    ["lib/translate/chat/a.ts", "lib/translate/messages/a.ts"],
    ["lib/translate/converse/a.ts", "lib/translate/chat/a.ts"],
    ["lib/providers/a.ts", "lib/translate/a.ts"],
    ["lib/emulator/a.ts", "lib/config/load.ts"],
    ["lib/server/a.ts", "lib/emulator/a.ts"],
    ["lib/server/a.ts", "lib/app/control.ts"],
    ["lib/app/control.ts", "lib/runtime/bun.ts"],
    ["lib/server/a.ts", "tests/fakes/upstream.ts"],
    ["main.ts", "lib/app/control.ts"],
  ] as const;
  for (const [from, to] of refused) assert.notEqual(refusalOf(from, to), undefined, `${from} -> ${to}`);
  const accepted = [
    ["main.ts", "lib/runtime/bun.ts"],
    ["lib/cli/serve.ts", "lib/app/control.ts"],
    ["lib/server/a.ts", "lib/runtime/runtime.ts"],
    ["lib/translate/chat/a.ts", "lib/translate/converse/a.ts"],
    ["lib/cli/version.ts", "deno.json"],
  ] as const;
  for (const [from, to] of accepted) assert.equal(refusalOf(from, to), undefined, `${from} -> ${to}`);
});

Deno.test("a cycle is found and shown whole", () => {
  const found = findCycle(new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]));
  assert.deepEqual(found, ["b", "d", "b"]);
});
