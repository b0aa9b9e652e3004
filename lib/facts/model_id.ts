/** Model ids without what tells where the model runs. */

/** The labels that a model id begins with; https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html */
const PROVIDERS: ReadonlySet<string> = new Set([
  "ai21",
  "amazon",
  "anthropic",
  "cohere",
  "deepseek",
  "google",
  "luma",
  "meta",
  "minimax",
  "mistral",
  "moonshot",
  "moonshotai",
  "nvidia",
  "openai",
  "qwen",
  "stability",
  "twelvelabs",
  "writer",
  "xai",
  "zai",
]);

/**
 * The id of the model behind an inference profile, as operations want it that know no profiles: out of an ARN that
 * shows it, and without a leading `us.`, `global.` or whatever geography comes next. An ARN that hides its model stays.
 */
export function foundationModelId(modelId: string): string {
  const resource = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:foundation-model|inference-profile)\/(.*)$/s.exec(modelId)
    ?.[1];
  const id = resource ?? modelId;
  const [first = "", second = ""] = id.split(".", 2);
  return PROVIDERS.has(second) ? id.slice(first.length + 1) : id;
}
