/** What holds for every Markdown file: tables that fit on a screen, and links that lead somewhere. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { readRepositoryFile, repositoryFiles } from "./sources.ts";

const MAX_TABLE_WIDTH = 160;

const files = await repositoryFiles();
const documents = files.filter((path) => path.endsWith(".md"));

Deno.test(`no line of a table is longer than ${MAX_TABLE_WIDTH} characters`, () => {
  const long = documents.flatMap((path) =>
    readRepositoryFile(path).split("\n").flatMap((line, index) =>
      line.startsWith("|") && line.length > MAX_TABLE_WIDTH ? [`${path}:${index + 1}: ${line.length}`] : []
    )
  );
  assert.deepEqual(long, []);
});

Deno.test("every relative link leads to a file or folder of the repository, and to a heading in it", () => {
  const broken = documents.flatMap((document) =>
    linksOf(readRepositoryFile(document)).flatMap((link) => {
      const [target = "", anchor] = link.split("#");
      const path = target === "" ? document : join(dirname(document), target).replace(/\/$/, "");
      const exists = files.includes(path) || files.some((file) => file.startsWith(`${path}/`));
      if (!exists) return [`${document}: ${link}`];
      return anchor === undefined || anchorsOf(readRepositoryFile(path)).includes(anchor)
        ? []
        : [`${document}: ${link}: no such heading`];
    })
  );
  assert.deepEqual(broken, []);
});

Deno.test("every page of docs/ is in the index", () => {
  const linked = linksOf(readRepositoryFile("docs/README.md")).map((link) =>
    join("docs", link.split("#")[0] ?? "")
  );
  const pages = documents.filter((path) => path.startsWith("docs/") && path !== "docs/README.md");
  assert.deepEqual(pages.filter((path) => !linked.includes(path)), []);
});

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[^]*?^```$/gm, "");
}

/** Targets of links, except those with a scheme. */
function linksOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors of headings, as GitHub makes them. */
function anchorsOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

Deno.test("docs/architecture.md describes every folder of lib/, and no other", () => {
  const described = [...readRepositoryFile("docs/architecture.md").matchAll(/^\| `(lib\/\w+)\/` +\|/gm)];
  const folders = files.flatMap((path) => /^lib\/\w+(?=\/)/.exec(path)?.[0] ?? []);
  assert.deepEqual(described.map(([, folder]) => folder).sort(), [...new Set(folders)].sort());
});
