/** What the page on clients must say about those that refuse what others do. */

import assert from "node:assert/strict";
import { readRepositoryFile } from "../meta/sources.ts";

Deno.test("the page on clients says what boto3 and the AWS SDK for Go need in place of a bearer token over plain http", () => {
  const page = readRepositoryFile("docs/clients.md").replaceAll(/\s+/g, " ");
  const [, advice = ""] =
    /boto3 and the AWS SDK for Go refuse to send a bearer token over plain `http:\/\/`: (.*?)\. /.exec(
      page,
    ) ?? [];
  assert.match(advice, /`tls`.*key pair/);
  assert.match(page, /`callers\.NAME\.aws`/);
});
