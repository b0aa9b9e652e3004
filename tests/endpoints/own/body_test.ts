/** What changes in the body of a request that is passed on: the model, and the tools as the operator says. */

import { deepEqual } from "node:assert/strict";
import { isJsonObject, type JsonObject, parseExactJson } from "../../../lib/base/json.ts";
import { ownBody } from "../../../lib/endpoints/own/body.ts";
import type { OwnApis } from "../../../lib/snapshot/snapshot.ts";
import { modelTarget, provider } from "../../fakes/snapshot.ts";

const APIS: OwnApis = {
  chat: undefined,
  responses: "mantle",
  messages: undefined,
  mantlePath: "/v1",
  hoistsTools: false,
};

interface Given {
  readonly drop?: readonly string[];
  readonly hoists?: boolean;
}

function edited(text: string, { drop = [], hoists = false }: Given = {}) {
  const settings = {
    ...modelTarget("m", provider("east", "us-east-1"), "openai.gpt-5.6-sol"),
    ownApis: { ...APIS, hoistsTools: hoists },
    dropTools: drop,
  };
  const { provider: place, id: modelId } = settings;
  return ownBody(text, parsed(text), { provider: place, modelId, settings });
}

function parsed(text: string): JsonObject {
  const value = parseExactJson(text);
  if (!isJsonObject(value)) throw new Error("not an object");
  return value;
}

const MODEL = '"model":"openai.gpt-5.6-sol"';
const ITEM = '{"type":"additional_tools","role":"developer","tools":';
const TEXT = '{"role" : "user","content":"Gr\\u00fc\\u00df, 1e400 , additional_tools"}';

const CASES:
  readonly (readonly [name: string, given: Given, sent: string, got: string, dropped?: string[]])[] = [
    [
      "without instructions of the operator, only the model changes",
      {},
      `{"model":"m" , "tools":[ {"type":"web_search"} ],"input":[ ${ITEM}[]} ]}`,
      `{${MODEL} , "tools":[ {"type":"web_search"} ],"input":[ ${ITEM}[]} ]}`,
    ],
    [
      "tools of items become tools of the request, and every other byte stays",
      { hoists: true },
      `{"model":"m","input":[ ${ITEM}[{"type":"custom","n":1.0}, {"type":"function"}]}, ${TEXT} ] , "n":1e2}`,
      `{"tools":[{"type":"custom","n":1.0},{"type":"function"}],${MODEL},"input":[${TEXT}] , "n":1e2}`,
    ],
    [
      "they follow the request's own, in the order of the items",
      { hoists: true },
      `{"model":"m","tools":[{"name":"a"}],"input":[${ITEM}[{"name":"b"}]},${TEXT},${ITEM}[{"name":"c"}]}]}`,
      `{${MODEL},"tools":[{"name":"a"},{"name":"b"},{"name":"c"}],"input":[${TEXT}]}`,
    ],
    [
      "null is no list of tools, and takes those of the items",
      { hoists: true },
      `{"model":"m","tools":null,"input":[${ITEM}[{"name":"b"}]}]}`,
      `{${MODEL},"tools":[{"name":"b"}],"input":[]}`,
    ],
    [
      "a request without such items stays as it is",
      { hoists: true },
      `{"model":"m","input":[ ${TEXT} ],"tools":[ ]}`,
      `{${MODEL},"input":[ ${TEXT} ],"tools":[ ]}`,
    ],
    [
      "what is no list is left to Bedrock to refuse",
      { hoists: true, drop: ["mcp"] },
      `{"model":"m","tools":"all","input":[${ITEM}[{"name":"b"}]}]}`,
      `{${MODEL},"tools":"all","input":[${ITEM}[{"name":"b"}]}]}`,
    ],
    [
      "dropped types go from the request, its items and its namespaces",
      { drop: ["web_search", "mcp"] },
      `{"model":"m","tools":[{"type":"web_search"},{"type":"namespace","tools":[{"type":"mcp"},{"n":1.0}]}],` +
      `"input":[${ITEM}[{"type":"mcp"}]},${TEXT}]}`,
      `{${MODEL},"tools":[{"type":"namespace","tools":[{"n":1.0}]}],"input":[${ITEM}[]},${TEXT}]}`,
      ["tools[web_search]", "tools[].tools[mcp]", "input[].tools[mcp]"],
    ],
    [
      "tools are moved first, then dropped",
      { drop: ["mcp"], hoists: true },
      `{"model":"m","input":[${ITEM}[{"type":"mcp"},{"type":"custom"}]}]}`,
      `{"tools":[{"type":"custom"}],${MODEL},"input":[]}`,
      ["tools[mcp]"],
    ],
    [
      "nothing to drop leaves the spacing",
      { drop: ["mcp"] },
      `{"model":"m", "tools" : [ {"type":"function"} , {"type":"namespace","tools":[ ]} ]}`,
      `{${MODEL}, "tools" : [ {"type":"function"} , {"type":"namespace","tools":[ ]} ]}`,
    ],
    [
      "of two members with one name the last counts, as for every parser",
      { drop: ["mcp"] },
      `{"model":"m","tools":[{"type":"function"}],"tools":[{"type":"mcp"}]}`,
      `{${MODEL},"tools":[],"tools":[]}`,
      ["tools[mcp]"],
    ],
  ];

for (const [name, given, sent, text, dropped = []] of CASES) {
  Deno.test(`a body that is passed on: ${name}`, () => deepEqual(edited(sent, given), { text, dropped }));
}
