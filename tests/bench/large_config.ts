/** A configuration with very many models and callers, in as many files as the size limit of a file requires. */

import { createHash } from "node:crypto";
import { KEY, keyHash } from "../e2e/configs.ts";
import { modelOf } from "./requests.ts";

export interface LargeConfigOptions {
  readonly upstream: string;
  readonly threads: number;
  readonly models: number;
  readonly callers: number;
}

/** Keeps each file below the limit. */
const LINES_IN_FILE = 5_000;

/** Writes the configuration into a folder, and rewrites parts of it. */
export class LargeConfig {
  readonly #folder: string;
  readonly #options: LargeConfigOptions;

  constructor(folder: string, options: LargeConfigOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Writes all files but the main one, whose text is returned. */
  async write(): Promise<string> {
    const { upstream, threads, models, callers } = this.#options;
    await Deno.mkdir(`${this.#folder}/conf.d`);
    for (let file = 0; file * LINES_IN_FILE < models; file++) await this.#writeModels(file, 0);
    for (let file = 0; file * LINES_IN_FILE < callers; file++) await this.#writeCallers(file, 0);
    return `include: ${this.#folder}/conf.d/*.yaml
threads: ${threads}
log: { requests: false }
providers:
  east:
    type: bedrock
    region: us-east-1
    endpoint: ${upstream}
    credentials: { access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI-EXAMPLE }
models:
  ${modelOf("paced")}: { provider: east, id: ${modelOf("paced")}, base_model: ${BASE} }
callers:
  demo: { key: "${keyHash(KEY)}", models: ["*"] }
`;
  }

  /** Changes some models and some callers: one file of each depends on the version. */
  async change(version: number): Promise<void> {
    await this.#writeModels(0, version);
    await this.#writeCallers(1, version);
  }

  async #writeModels(file: number, version: number): Promise<void> {
    const lines = linesOf(file, this.#options.models, (index) => {
      const isChanged = version > 0 && index % 50 === version % 50;
      return `  model-${index}: { provider: east, id: ${IDS[(index + (isChanged ? 1 : 0)) % IDS.length]} }`;
    });
    await this.#write(`models-${file}`, `models:\n${lines}`);
  }

  async #writeCallers(file: number, version: number): Promise<void> {
    const { models } = this.#options;
    const lines = linesOf(file, this.#options.callers, (index) => {
      const key = createHash("sha256").update(`${index % 50 === version % 50 ? version : 0}-${index}`).digest(
        "hex",
      );
      const list = index % 2 === 0 ? `["*"]` : `[model-${index % models}, "model-${index % 10}*"]`;
      return `  caller-${index}: { key: sha256:${key}, models: ${list} }`;
    });
    await this.#write(`callers-${file}`, `callers:\n${lines}`);
  }

  /** Replaces the file, as editors do. */
  async #write(name: string, text: string): Promise<void> {
    const path = `${this.#folder}/conf.d/${name}`;
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, `${path}.yaml`);
  }
}

const BASE = "anthropic.claude-haiku-4-5-20251001-v1:0";
const IDS = [
  `us.${BASE}`,
  "amazon.nova-lite-v1:0",
  "amazon.nova-pro-v1:0",
  "meta.llama3-1-70b-instruct-v1:0",
];

function linesOf(file: number, count: number, line: (index: number) => string): string {
  const from = file * LINES_IN_FILE;
  const length = Math.min(LINES_IN_FILE, count - from);
  return Array.from({ length }, (_, index) => `${line(from + index)}\n`).join("");
}
