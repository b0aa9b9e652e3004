/** Models of a configuration: what those with one model id share. */

import { equal, notEqual } from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/bytes.ts";
import { loadConfig } from "../../../lib/config/load.ts";

const CONFIG = `
providers: { local: { type: emulator } }
models:
  one: { provider: local, id: us.amazon.nova-lite-v1:0 }
  two: { provider: local, id: us.amazon.nova-lite-v1:0, defaults: { max_tokens: 7 } }
  own: { provider: local, id: us.amazon.nova-lite-v1:0, traits: { family: own } }
  based: { provider: local, id: anything, base_model: us.amazon.nova-lite-v1:0 }
  other: { provider: local, id: us.amazon.nova-pro-v1:0 }
`;

Deno.test("models with one model id share its traits, unless they have traits of their own", async () => {
  const loaded = await loadConfig("/adit.yaml", {
    env: {},
    readFile: () => Promise.resolve(encodeUtf8(CONFIG)),
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  const traits = (name: string) => loaded.snapshot.models.get(name)?.targets[0].traits;
  equal(traits("one"), traits("two"));
  equal(traits("one"), traits("based"));
  notEqual(traits("one"), traits("other"));
  equal(traits("own")?.family, "own");
  equal(traits("own")?.topKPath, traits("one")?.topKPath);
});
