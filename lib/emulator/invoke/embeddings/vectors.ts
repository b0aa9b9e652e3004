/** Vectors without a model: equal ones for equal inputs, similar ones for texts with common words. */

import { createHash } from "node:crypto";

/** A vector of length 1: the sum of one pseudo-random vector per word. */
export function vectorOf(text: string, size: number): number[] {
  const sum = new Array<number>(size).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    let bits = createHash("sha256").update(word).digest().readUInt32LE();
    for (let index = 0; index < size; index++) {
      // A linear congruential generator is good enough.
      bits = (Math.imul(bits, 1664525) + 1013904223) >>> 0;
      sum[index] = (sum[index] ?? 0) + bits / 2 ** 31 - 1;
    }
  }
  return withLengthOne(sum);
}

/** The vector halfway between several. */
export function meanOf(vectors: readonly (readonly number[])[]): number[] {
  const [first = []] = vectors;
  return withLengthOne(first.map((_, index) => vectors.reduce((sum, each) => sum + (each[index] ?? 0), 0)));
}

function withLengthOne(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => Number((value / length).toFixed(6)));
}
