/** Numbers that would be rounded or infinite keep their digits; everything else is what `JSON.parse` makes of it. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/bytes.ts";
import { AditError } from "../../lib/base/errors.ts";
import {
  describeJson,
  isJsonObject,
  parseExactJson,
  parseJsonBody,
  pathOfHugeNumber,
} from "../../lib/base/json.ts";

const KEPT = [
  '{"id":12345678901234567890}',
  '{"id":-9223372036854775808,"max":9223372036854775807}',
  "[9007199254740993,9007199254740992]",
  '{"a":[{"b":{"c":18446744073709551615}}]}',
  `[${"9".repeat(400)}]`,
  "12345678901234567890",
  '{"a":1e400,"b":[-1E+999]}',
];

for (const text of KEPT) {
  Deno.test(`${text.slice(0, 60)} comes out as it went in`, () => {
    equal(JSON.stringify(parseExactJson(text)), text);
  });
}

const PLAIN = [
  '{"a":1,"b":-0.5,"c":1e300,"d":1234567890.12345678901234567890,"e":9007199254740991}',
  '{"text":"id: 12345678901234567890","more":",1234567890123456"}',
  "[1.2345678901234567e30,12345678901234567e3]",
  '{"__proto__":{"a":12}}',
];

for (const text of PLAIN) {
  Deno.test(`${text} is read as ever`, () => deepEqual(parseExactJson(text), JSON.parse(text)));
}

Deno.test("a number that is kept by its digits is not taken for an object", () => {
  const value = parseExactJson("12345678901234567890");
  equal(isJsonObject(value), false);
  equal(describeJson(value), "a number with too many digits");
});

Deno.test("half a character stays half a character", () => {
  const text = '["\ud83d"]';
  equal(parseExactJson(text)?.toString(), "\ud83d");
});

const HUGE: Readonly<Record<string, string>> = {
  '{"a":1e400}': "a",
  '{"a":[{"b":1},{"b":-1E400}]}': "a[1].b",
  '{"a":{"b c":1e999}}': "a.(unprintable)",
  [`{"id":${"9".repeat(400)}}`]: "id",
};

for (const [text, path] of Object.entries(HUGE)) {
  Deno.test(`${text.slice(0, 40)} is refused at ${path}`, () => {
    equal(pathOfHugeNumber(parseExactJson(text)), path);
    throws(
      () => parseJsonBody(encodeUtf8(text), { maxDepth: 8, maxValues: 100 }),
      (error: unknown) => error instanceof AditError && error.details.param === path,
    );
  });
}

Deno.test("a number that programs can hold is not refused", () => {
  const text = '{"a":1e308,"b":12345678901234567890,"c":1e-400,"d":"1e400","e":[true,null]}';
  equal(pathOfHugeNumber(parseJsonBody(encodeUtf8(text), { maxDepth: 8, maxValues: 100 })), undefined);
});
