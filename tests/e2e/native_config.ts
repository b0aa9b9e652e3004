/** The configuration for tests with clients of Bedrock's native API. */

import { KEY, keyHash } from "./configs.ts";

export const CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
export const NOVA = "amazon.nova-lite-v1:0";
export const TITAN = "amazon.titan-embed-text-v2:0";

/** The key pair of the caller `demo`. */
export const PAIR = {
  accessKeyId: "ADITDEMOCALLER01",
  secretAccessKey: "demo-callers-secret-0123456789abcdef",
} as const;

/** Two regions of the built-in emulator, and a caller with a key and a key pair who may use both. */
export const NATIVE_CONFIG = `providers:
  east: { type: emulator, region: us-east-1 }
  west: { type: emulator, region: eu-west-1 }
models:
  claude: { provider: east, id: "${CLAUDE}" }
  nova: { provider: east, id: "${NOVA}" }
callers:
  demo:
    key: "${keyHash(KEY)}"
    models: ["*"]
    native: [us-east-1, eu-west-1]
    s3: ["*"]
    aws: { access_key_id: ${PAIR.accessKeyId}, secret_access_key: ${PAIR.secretAccessKey} }
`;
