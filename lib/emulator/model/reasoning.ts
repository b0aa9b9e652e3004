/** Signed reasoning: forgeries are detected when a client sends it back. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

export interface ReasoningSeal {
  /** The signature of a reasoning block's text. */
  sign(text: string): string;
  isGenuine(text: string, signature: string): boolean;
  /** The sealed text, in the provider's base64. */
  redact(text: string): string;
  isGenuineRedaction(data: string): boolean;
}

/** Seals with a secret from the seed; equal seeds give equal signatures. */
export function createReasoningSeal(seed: string): ReasoningSeal {
  const mac = (purpose: string, text: string) =>
    createHmac("sha256", `${seed}:${purpose}`).update(text).digest("base64");
  return {
    sign: (text) => mac("signature", text),
    isGenuine: (text, signature) => signature === mac("signature", text),
    redact(text) {
      // The content is never read, so it is only a digest of the text.
      const content = mac("content", text);
      return Buffer.from(`${content}.${mac("redaction", content)}`).toString("base64");
    },
    isGenuineRedaction(data) {
      const [content = "", signature] = Buffer.from(data, "base64").toString().split(".");
      return signature === mac("redaction", content);
    },
  };
}
