/** Reasoning that can be told from a forgery when a client sends it back. */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

export interface ReasoningSeal {
  /** The signature of a reasoning block's text. */
  sign(text: string): string;
  isGenuine(text: string, signature: string): boolean;
  /** The text, sealed so that nobody reads it, as the provider's base64. */
  redact(text: string): string;
  isGenuineRedaction(data: string): boolean;
}

/** Seals with a secret of the emulator's own; equal seeds make equal signatures. */
export function createReasoningSeal(seed: string): ReasoningSeal {
  const mac = (purpose: string, text: string) =>
    createHmac("sha256", `${seed}:${purpose}`).update(text).digest("base64");
  return {
    sign: (text) => mac("signature", text),
    isGenuine: (text, signature) => signature === mac("signature", text),
    redact(text) {
      // What is inside is for nobody: the digest of the text stands for it.
      const content = mac("content", text);
      return Buffer.from(`${content}.${mac("redaction", content)}`).toString("base64");
    },
    isGenuineRedaction(data) {
      const [content = "", signature] = Buffer.from(data, "base64").toString().split(".");
      return signature === mac("redaction", content);
    },
  };
}
