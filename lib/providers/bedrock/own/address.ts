/** Bedrock's own OpenAI and Anthropic APIs: where they are, and the service that requests to them are signed for. */

import type { OwnApi, OwnApis, OwnEndpoint } from "../../../snapshot/snapshot.ts";

export interface OwnAddress {
  readonly endpoint: OwnEndpoint;
  /** Without a query. */
  readonly path: string;
}

/** The service in the scope of a signature. */
export const OWN_SERVICES = {
  runtime: "bedrock",
  mantle: "bedrock-mantle",
} as const satisfies Record<OwnEndpoint, string>;

const RUNTIME_PATH = "/openai/v1";

/** The address of the API for a model; undefined if requests must be translated. */
export function ownAddress(api: OwnApi, apis: OwnApis | undefined): OwnAddress | undefined {
  const endpoint = apis?.[api];
  if (apis === undefined || endpoint === undefined) return undefined;
  const openAi = endpoint === "runtime" ? RUNTIME_PATH : apis.mantlePath;
  const paths = {
    chat: `${openAi}/chat/completions`,
    responses: `${openAi}/responses`,
    messages: "/anthropic/v1/messages",
  } as const satisfies Record<OwnApi, string>;
  return { endpoint, path: paths[api] };
}
