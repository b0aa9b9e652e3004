/** How many tokens of input a model of each family reads, for clients that shorten a conversation in time. */

/** What most models on Bedrock read at least. */
const USUAL_TOKENS = 128_000;

/** Of the smallest model of the family that is still offered. https://docs.aws.amazon.com/bedrock/latest/userguide/models.html */
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

/** A number that is safe rather than exact: a client that stays below it never exceeds the model's. */
export function contextWindowOf(family: string): number {
  return TOKENS_BY_FAMILY.get(family) ?? USUAL_TOKENS;
}
