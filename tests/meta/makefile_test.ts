import assert from "node:assert/strict";
import { repositoryPath } from "../repository.ts";
import { readRepositoryFile, repositoryFiles } from "./sources.ts";

function make(...args: readonly string[]) {
  return new Deno.Command("make", { args: [...args], cwd: repositoryPath("."), stderr: "null" }).output();
}

Deno.test("make knows every target that its help or a document names", async () => {
  const help = new TextDecoder().decode((await make("help")).stdout);
  const documents = (await repositoryFiles()).filter((path) => path.endsWith(".md")).map(readRepositoryFile);
  const named = [help, ...documents].flatMap((text) => [...text.matchAll(/(?:^|`|=\d )make ([a-z]+)/gm)]);
  const targets = new Set(named.map(([, target = ""]) => target));
  assert.ok(targets.size > 5, help);
  for (const target of targets) {
    assert.equal((await make("--dry-run", target)).success, true, `make ${target}`);
  }
});
