/** Configurations for end-to-end tests. */

import { createHash } from "node:crypto";

/** The key of the caller `demo`, who may use everything. */
export const KEY = "adit-test-key-0123456789";

/** The `key:` of a caller in the configuration. */
export function keyHash(key: string): string {
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Models on the built-in emulator, by name and id, and one caller. */
export function emulatorConfig(models: Readonly<Record<string, string>> = {}, extra = ""): string {
  const all = {
    claude: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    nova: "amazon.nova-lite-v1:0",
    ...models,
  };
  return `providers:
  local: { type: emulator }
models:
${
    Object.entries(all).map(([name, id]) => `  ${name}: { provider: local, id: ${JSON.stringify(id)} }`).join(
      "\n",
    )
  }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"], native: [us-east-1] }
${extra}`;
}

/** Two models behind an endpoint, signed with an example key pair, and one caller. */
export function endpointConfig(endpoint: string, extra = ""): string {
  return `providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${endpoint}
    credentials: { access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI-EXAMPLE }
models:
  claude: { provider: east, id: us.anthropic.claude-haiku-4-5-20251001-v1:0 }
  nova: { provider: east, id: amazon.nova-lite-v1:0 }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"], native: [us-east-1] }
${extra}`;
}

/** The `tls` of a configuration, with PEM texts or paths. */
export function tlsConfig(
  { certificate, key }: Readonly<Record<"certificate" | "key", string>>,
  section = "tls",
): string {
  return `${section}: { certificate: ${JSON.stringify(certificate)}, key: ${JSON.stringify(key)} }\n`;
}
