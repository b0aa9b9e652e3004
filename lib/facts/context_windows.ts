/** Context windows by model family, for clients that shorten a conversation in time. */

/** The minimum for most models on Bedrock. */
const USUAL_TOKENS = 128_000;

/** Those of the smallest available model of each family. https://docs.aws.amazon.com/bedrock/latest/userguide/models.html */
const TOKENS_BY_FAMILY: ReadonlyMap<string, number> = new Map([
  ["claude", 200_000],
  ["nova", 128_000],
  ["titan", 8_000],
  ["jamba", 256_000],
  ["qwen", 256_000],
  ["kimi", 256_000],
  ["minimax", 196_000],
  ["glm", 200_000],
]);

/** A number of tokens that is within the context window of every model of the family. */
export function contextWindowOf(family: string): number {
  return TOKENS_BY_FAMILY.get(family) ?? USUAL_TOKENS;
}
