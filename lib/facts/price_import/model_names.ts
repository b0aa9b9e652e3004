/** Finds model ids by the names in AWS's price list, which differ from the ids in order and spelling. */

import { foundationModelId } from "../model_id.ts";

/** The known ids by their names, without order, case and separators. */
export class ModelNames {
  readonly #ids = new Map<string, Set<string>>();

  /** Ids with or without a geography, possibly repeated. */
  constructor(ids: Iterable<string>) {
    for (const id of ids) this.#learn(foundationModelId(id));
  }

  /** The ids of a model by its name, such as `Claude Sonnet 4.5 (Amazon Bedrock Edition)`; empty if it is not known. */
  idsOf(name: string): readonly string[] {
    const plain = name.replace(/\((?:Amazon )?Bedrock Edition\)|\(Amazon Bedrock\)/i, "")
      // Camel case, as in USE1-NovaLite-input-tokens.
      .replaceAll(/([a-z])([A-Z])/g, "$1 $2");
    return [...this.#ids.get(keyOf(plain)) ?? []].sort();
  }

  #learn(id: string): void {
    // A glob, or an ARN.
    const [, provider, name] = /^([a-z0-9]+)\.([A-Za-z0-9.:-]+)$/.exec(id) ?? [];
    if (provider === undefined || name === undefined) return;
    const model = name.replace(/:\d+k$/i, "").replace(/:\d+$/, "").replace(/-v1$/, "").replace(
      /-\d{8}(?=-v\d|$)/,
      "",
    );
    for (const text of [model, `${provider} ${model}`]) {
      const key = keyOf(text);
      const ids = this.#ids.get(key);
      if (ids === undefined) this.#ids.set(key, new Set([id]));
      else ids.add(id);
    }
  }
}

/** The words of a name in alphabetical order, and its digits in theirs. */
function keyOf(text: string): string {
  const words = (text.toLowerCase().match(/[a-z]+/g) ?? []).filter((word) => word !== "v");
  const digits = text.match(/\d+/g) ?? [];
  return `${words.toSorted().join(" ")} ${digits.join("")}`;
}
