/** Names of a request's documents. */

import { deepEqual, equal } from "node:assert/strict";
import { DocumentNames } from "../../../../lib/translate/converse/media/document_names.ts";

Deno.test("no two documents of a request have the same name, whatever their file names", () => {
  const names = new DocumentNames();
  const files = ["a.pdf", "a.txt", "a (3).pdf", "c:\\folder\\a", "", undefined, "__proto__", "constructor"];
  deepEqual(files.map((file) => names.nameFor(file)), [
    "a",
    "a (2)",
    "a (3)",
    "a (4)",
    "document",
    "document (2)",
    "proto",
    "constructor",
  ]);
});

Deno.test("documents with equal names are renamed in linear time", () => {
  const names = new DocumentNames();
  for (let copy = 1; copy < 200_000; copy++) names.nameFor("a.pdf");
  equal(names.nameFor("a.pdf"), "a (200000)");
});
