import assert from "node:assert/strict";
import { findCycle, layerOf, LAYERS, refusalOf } from "./layers.ts";
import { importsOf, readRepositoryFile, repositoryFiles } from "./sources.ts";

const program = (await repositoryFiles()).filter((path) =>
  layerOf(path) !== undefined && path.endsWith(".ts")
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
    importsOf("lib/http/x.ts", source).map(({ specifier, path }) => path ?? specifier),
    [
      "lib/http/a.ts",
      "lib/b.ts",
      "node:net",
      "lib/http/c.ts",
      "lib/http/d.ts",
      "lib/http/e.ts",
      "lib/http/f.ts",
    ],
  );
});

Deno.test("imports across and against the layers are refused", () => {
  const refused = [
    ["lib/base/bytes.ts", "lib/codec/sse.ts"],
    ["lib/translate/a.ts", "lib/aws/sign.ts"],
    ["lib/translate/a.ts", "lib/config/load.ts"],
    ["lib/upstream/a.ts", "lib/translate/a.ts"],
    ["lib/emulator/a.ts", "lib/config/load.ts"],
    ["lib/http/a.ts", "lib/emulator/a.ts"],
    ["lib/http/a.ts", "lib/app.ts"],
    ["lib/app.ts", "lib/runtime/bun.ts"],
    ["lib/http/a.ts", "tests/fakes/upstream.ts"],
    ["main.ts", "lib/app.ts"],
  ] as const;
  for (const [from, to] of refused) assert.notEqual(refusalOf(from, to), undefined, `${from} -> ${to}`);
  const accepted = [
    ["main.ts", "lib/runtime/bun.ts"],
    ["lib/cli/serve.ts", "lib/app.ts"],
    ["lib/http/a.ts", "lib/runtime/runtime.ts"],
    ["lib/cli/version.ts", "deno.json"],
  ] as const;
  for (const [from, to] of accepted) assert.equal(refusalOf(from, to), undefined, `${from} -> ${to}`);
});

Deno.test("a cycle is found and shown whole", () => {
  const found = findCycle(new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]));
  assert.deepEqual(found, ["b", "d", "b"]);
});
