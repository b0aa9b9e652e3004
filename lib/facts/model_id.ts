/** Model ids without their geography. */

/**
 * Names of model providers, with which model ids begin; anything before them is a geography.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
 */
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

/** Whether the id begins with a known model provider, possibly after a geography. */
export function namesProvider(modelId: string): boolean {
  return modelId.split(".", 2).some((part) => PROVIDERS.has(part));
}

/**
 * The id of the foundation model of an inference profile: taken from an ARN that contains it, and without a leading
 * `us.`, `global.` or other geography. Other ARNs are unchanged.
 */
export function foundationModelId(modelId: string): string {
  const resource = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(?:foundation-model|inference-profile)\/(.*)$/s.exec(modelId)
    ?.[1];
  const id = resource ?? modelId;
  const [first = "", second = ""] = id.split(".", 2);
  return PROVIDERS.has(second) ? id.slice(first.length + 1) : id;
}
