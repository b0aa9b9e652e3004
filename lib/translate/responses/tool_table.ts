/** Maps the tools of a Responses request to the flat names that the model sees, and back to the client's names. */

import type { ToolKind } from "../../wire/openai/responses_tools.ts";
import type { ToolNames } from "../converse/tools/tool_names.ts";

/** A tool as the client knows it. */
export interface ClientToolName {
  readonly kind: ToolKind;
  readonly namespace: string | undefined;
  readonly name: string;
}

/**
 * Maps the tools of one request in both directions. Nothing is kept between requests, because each has all of its
 * tools.
 */
export class ToolTable {
  readonly #flat = new Map<string, string>();
  readonly #tools = new Map<string, ClientToolName>();

  constructor(private readonly toolNames: ToolNames) {}

  /**
   * The flat name, `namespace__name`, with more underscores if another tool has it. The first mention of a tool decides
   * its name, so the request's own tools precede those of the history.
   */
  flatName(tool: ClientToolName): string {
    const key = JSON.stringify([tool.namespace ?? null, tool.name]);
    const known = this.#flat.get(key);
    if (known !== undefined) return known;
    let flat = tool.namespace === undefined ? tool.name : `${tool.namespace}__${tool.name}`;
    while (this.#tools.has(flat)) flat += "_";
    this.#flat.set(key, flat);
    this.#tools.set(flat, { kind: tool.kind, namespace: tool.namespace, name: tool.name });
    return flat;
  }

  /** The flat name of a mentioned tool; undefined if the request does not have it. */
  find({ namespace, name }: Omit<ClientToolName, "kind">): string | undefined {
    return this.#flat.get(JSON.stringify([namespace ?? null, name]));
  }

  /** The tool that a model calls; an invented one is a function. */
  toClient(converseName: string): ClientToolName {
    const flat = this.toolNames.toCaller(converseName);
    return this.#tools.get(flat) ?? { kind: "function", namespace: undefined, name: flat };
  }
}
