import assert from "node:assert/strict";
import { readRepositoryFile, repositoryFiles } from "../meta/sources.ts";
import { isAsShown, parseBlocks } from "./blocks.ts";
import { openWorkplace } from "./workplace.ts";

const documents = (await repositoryFiles()).filter((path) =>
  path.endsWith(".md") && !path.startsWith("tests/")
);

for (const document of documents) {
  const blocks = parseBlocks(readRepositoryFile(document));
  if (blocks.length === 0) continue;
  const ignored = blocks.filter(({ mode }) => mode.kind === "ignore").length;
  const note = ignored === 0 ? "" : ` (${ignored} marked as not for tests)`;

  Deno.test(`${document}: commands run as written and print what it shows${note}`, async () => {
    await using workplace = await openWorkplace();
    for (const documented of blocks) {
      const place = `${document}, line ${documented.line}`;
      const block = workplace.adapt(documented);
      switch (block.mode.kind) {
        case "ignore":
          break;
        case "background":
          await workplace.start(block).catch((error) => assert.fail(`${place}: ${error.message}`));
          break;
        case "run": {
          if (block.mode.program !== undefined && !await workplace.has(block.mode.program)) break;
          const { exitCode, output } = await workplace.run(block);
          assert.equal(exitCode, block.mode.exitCode, `${place}: exit code ${exitCode}, output:\n${output}`);
          if (block.expected !== undefined && !isAsShown(output, block.expected)) {
            assert.equal(output.trimEnd(), block.expected, `${place}: the output differs`);
          }
        }
      }
    }
    assert.deepEqual(
      await workplace.changes(),
      [],
      `${document}: its commands change files that git does not ignore`,
    );
  });
}
