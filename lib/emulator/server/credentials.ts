/** The public credentials that the emulator accepts by default; they are valid nowhere else. */

import { Buffer } from "node:buffer";
import { Secret } from "../../base/secret.ts";

export interface EmulatorCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret | undefined;
}

export const EMULATOR_CREDENTIALS: EmulatorCredentials = {
  accessKeyId: "ADITEMULATOR",
  secretAccessKey: new Secret("adit-emulator-secret-access-key"),
};

/** A long-term Bedrock API key in AWS's format: prefix, then base64 of `name-at-account:secret`. */
export const EMULATOR_API_KEY: Secret = new Secret(
  `ABSK${Buffer.from("BedrockAPIKey-emulator-at-000000000000:emulator").toString("base64")}`,
);
