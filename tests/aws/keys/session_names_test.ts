/** Names in the form that AWS accepts for sessions and their tags. */

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { sessionName, tagValue } from "../../../lib/aws/keys/session_names.ts";

/** From the reference of AssumeRole. */
const NAME = /^[\w+=,.@-]{2,64}$/;
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

const LONG = "x".repeat(65);

Deno.test("accepted names are unchanged", () => {
  for (const text of ["adit-search", "a.b_c@d+e=f,g", "ab", "x".repeat(64)]) equal(sessionName(text), text);
  for (const text of ["", "search team/1", "Größe 2", "x".repeat(256)]) equal(tagValue(text), text);
});

Deno.test("other names are made safe, and different ones stay different", () => {
  const texts = ["", "a", "a b", "a/b", "a:b", "größe", "😀", LONG, `${LONG}y`, `${LONG}z`, "a\nb", "team|x"];
  const names = texts.map(sessionName);
  for (const [index, name] of names.entries()) match(name, NAME, JSON.stringify(texts[index]));
  equal(new Set(names).size, texts.length);
  const values = ["a\nb", "a|b", "a*b", "x".repeat(257), `${"x".repeat(257)}y`, "😀", "a\u0000b"].map(
    tagValue,
  );
  for (const value of values) match(value, VALUE, JSON.stringify(value));
  equal(new Set(values).size, values.length);
  deepEqual(texts.map(sessionName), names, "the same text has the same name every time");
});

Deno.test("a name that was made safe differs from the name that it resembles", () => {
  notEqual(sessionName("a b"), "a-b");
  ok(sessionName("a b").startsWith("a-b-"));
});

Deno.test("a long text is never cut within a character", () => {
  const value = tagValue("𝒳".repeat(200));
  match(value, VALUE);
  ok(value.length <= 256 && value.isWellFormed());
});
