/** A map from texts to numbers in memory that threads share, without an object for each text. */

import { Buffer } from "node:buffer";
import { bufferOf, sharedBytes, sharedNumbers } from "../base/shared_bytes.ts";

/** Plain data, which is sent to other threads without a copy. Texts have one byte per character. */
export interface PackedIndex {
  /** All texts, one after the other. */
  readonly texts: Uint8Array<SharedArrayBuffer>;
  /** Where each text ends. */
  readonly ends: Uint32Array<SharedArrayBuffer>;
  /** The number that belongs to each text. */
  readonly numbers: Uint32Array<SharedArrayBuffer>;
  /** By hash: the position of a text plus one, or 0. The length is a power of two. */
  readonly slots: Uint32Array<SharedArrayBuffer>;
}

/** Builds the map. Throws a `RangeError` for characters that do not fit into a byte. */
export function packIndex(entries: readonly (readonly [text: string, number: number])[]): PackedIndex {
  const ends = sharedNumbers(entries.length);
  const numbers = sharedNumbers(entries.length);
  const slots = sharedNumbers(slotsFor(entries.length));
  let end = 0;
  for (const [at, [text, number]] of entries.entries()) {
    ends[at] = end += text.length;
    numbers[at] = number;
    let slot = hashOf(text) & (slots.length - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = at + 1;
  }
  const all = entries.map(([text]) => text).join("");
  if (/[^\0-\xff]/.test(all)) throw new RangeError("Cannot pack a text with characters beyond U+00FF");
  return { texts: sharedBytes(Buffer.from(all, "latin1")), ends, numbers, slots };
}

/** The number of a text; undefined if it is not in the map. */
export function numberOf(text: string, { texts, ends, numbers, slots }: PackedIndex): number | undefined {
  let slot = hashOf(text) & (slots.length - 1);
  for (let entry = slots[slot] ?? 0; entry !== 0; entry = slots[slot] ?? 0) {
    const start = startOf(entry - 1, ends);
    if ((ends[entry - 1] ?? 0) - start === text.length && isAt(text, texts, start)) return numbers[entry - 1];
    slot = (slot + 1) & (slots.length - 1);
  }
  return undefined;
}

/** All texts, in their original order. */
export function* textsIn({ texts, ends }: PackedIndex): Generator<string> {
  for (let at = 0; at < ends.length; at++) {
    yield bufferOf(texts).toString("latin1", startOf(at, ends), ends[at]);
  }
}

/** Texts of any length, by number. */
export interface PackedTexts {
  /** UTF-8. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Where each text ends. */
  readonly ends: Uint32Array<SharedArrayBuffer>;
}

/** Packs texts; the number of each is its position. */
export function packTexts(list: readonly string[]): PackedTexts {
  const parts = list.map((text) => Buffer.from(text));
  const ends = sharedNumbers(list.length);
  let end = 0;
  for (const [at, part] of parts.entries()) ends[at] = end += part.length;
  return { bytes: sharedBytes(Buffer.concat(parts, end)), ends };
}

/** The text with this number. */
export function textAt(number: number, { bytes, ends }: PackedTexts): string {
  return bufferOf(bytes).toString("utf8", startOf(number, ends), ends[number]);
}

function startOf(at: number, ends: Uint32Array): number {
  return at === 0 ? 0 : ends[at - 1] ?? 0;
}

function isAt(text: string, texts: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if (texts[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}

/** At most half of the slots are used. */
function slotsFor(count: number): number {
  let slots = 2;
  while (slots < 2 * count) slots *= 2;
  return slots;
}

/** FNV-1a, https://datatracker.ietf.org/doc/draft-eastlake-fnv/ */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
