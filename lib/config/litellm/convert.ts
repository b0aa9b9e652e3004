/** Converts a `config.yaml` of LiteLLM's proxy with Bedrock models to a configuration of this gateway. */

import { Document, isMap, isScalar, LineCounter, parseDocument } from "yaml";

import { sha256Hex } from "../../base/hash.ts";
import { firstReference } from "../file/interpolate.ts";
import { isMapping } from "../file/merge.ts";
import { MODEL_NAME, parseEndpoint } from "../schema/values.ts";
import { BUDGET_KEYS, type DraftBudget, proxyBudgets, type ReadBudget } from "./litellm_budgets.ts";
import { type Deployment, readDeployment } from "./deployment.ts";

export interface Imported {
  /** YAML, with comments about settings that could not be converted. */
  readonly text: string;
  /** Messages for the operator, with the places of literal secrets but not the secrets. */
  readonly warnings: readonly string[];
}

/** Converts a file's text, or returns the reason it cannot be. */
export function importLitellm(text: string): Imported | string {
  const lineCounter = new LineCounter();
  // As PyYAML parses it.
  const source = parseDocument(text, { version: "1.1", merge: true, prettyErrors: false, lineCounter });
  const [error] = source.errors;
  if (error !== undefined) return `invalid YAML at line ${lineCounter.linePos(error.pos[0]).line}`;
  const config: unknown = source.toJS();
  if (!isMapping(config)) return NO_MODEL;
  const list = Array.isArray(config["model_list"]) ? config["model_list"] : [];
  const draft = new Draft();
  for (const entry of list) {
    const deployment = readDeployment(entry, config["credential_list"]);
    if (typeof deployment === "string") draft.skip(deployment);
    else draft.add(deployment);
  }
  for (const section of FALLBACK_SECTIONS) {
    const settings = config[section];
    if (isMapping(settings)) draft.addFallbacks(settings["fallbacks"]);
  }
  draft.addMasterKey(masterKeyOf(config));
  for (const [name, read] of proxyBudgets(config)) draft.addBudget(name, read);
  for (const [section, value] of Object.entries(config)) {
    if (section !== "model_list" && section !== "credential_list") draft.skipSection(section, value);
  }
  return draft.finish() ?? NO_MODEL;
}

const NO_MODEL = "the file contains no Bedrock models";

const MASTER_KEY = "master_key";

function masterKeyOf({ general_settings: settings }: Readonly<Record<string, unknown>>): string | undefined {
  const key = isMapping(settings) ? settings[MASTER_KEY] : undefined;
  return typeof key === "string" && key !== "" && !key.startsWith("os.environ/") ? key : undefined;
}

/** Credentials that are not secret. */
const OPEN_CREDENTIALS: readonly string[] = ["profile", "role"];

/** A target in the form of the configuration. */
interface DraftTarget {
  readonly name?: string;
  readonly provider: string;
  readonly id: string;
  readonly priority?: number;
  readonly weight?: number;
}

/** A quota of a provider in the form of the configuration. */
interface DraftQuota {
  readonly match: string;
  readonly requests?: string;
  readonly tokens?: string;
}

/** Model ids that a quota can name. */
const QUOTA_MATCH = /^[A-Za-z0-9._:\/-]+$/;

/** Sections of LiteLLM in which fallbacks may be. */
const FALLBACK_SECTIONS: readonly string[] = ["litellm_settings", "router_settings"];

/** The configuration being built. */
class Draft {
  readonly #providers: Record<string, object> = {};
  /** By model, one for each deployment with that name. */
  readonly #targets = new Map<string, DraftTarget[]>();
  /** By model, the models that LiteLLM would fall back to, in order. */
  readonly #fallbacks = new Map<string, readonly string[]>();
  /** By provider. */
  readonly #quotas = new Map<string, DraftQuota[]>();
  #callers: Record<string, object> = {};
  readonly #budgets: Record<string, DraftBudget> = {};
  /** By section and name. */
  readonly #comments = new Map<string, string[]>();
  readonly #skipped: string[] = [];
  readonly #warnings: string[] = [];

  skip(reason: string): void {
    this.#skipped.push(reason);
  }

  /** Lists the keys of a section that have no counterpart. */
  skipSection(section: string, value: unknown): void {
    const keys = isMapping(value) ? Object.keys(value) : [];
    const lost = keys.filter((key) =>
      !(key === "fallbacks" && FALLBACK_SECTIONS.includes(section)) &&
      BUDGET_KEYS[section]?.includes(key) !== true &&
      !(section === "general_settings" && key === MASTER_KEY && "master" in this.#callers)
    );
    if (lost.length > 0 || keys.length === 0) {
      this.skip([section, lost.join(", ")].filter(Boolean).join(": "));
    }
  }

  add(deployment: Deployment): void {
    const { name, id, baseModel, api, defaults, guardrail, lost } = deployment;
    if (!MODEL_NAME.test(name)) {
      return this.skip(`${name} (${id}): the name has characters that are not allowed in model names`);
    }
    const { weight, order } = deployment;
    const provider = this.#providerFor(deployment);
    this.#addQuota(provider, deployment);
    const target = {
      provider,
      id,
      ...(baseModel === undefined ? {} : { base_model: baseModel }),
      // For a model that does not accept Anthropic's Messages, only Converse supports these.
      ...(api === "converse" || (api === "invoke" && id.includes("anthropic.")) ? { api } : {}),
      ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
      ...(guardrail === undefined ? {} : { guardrail }),
      ...(order === undefined ? {} : { priority: order }),
      ...(weight === undefined ? {} : { weight }),
    };
    const others = this.#targets.get(name) ?? [];
    this.#targets.set(name, [...others, target]);
    this.#addModelBudget(deployment, others.length === 0);
    if (lost.length > 0) this.#comment("models", name, `not converted: ${lost.join(", ")}`);
  }

  /** Converts the limits of a deployment to a quota of the account for its model id. */
  #addQuota(provider: string, { name, id, requestsPerMinute, tokensPerMinute }: Deployment): void {
    if (requestsPerMinute === undefined && tokensPerMinute === undefined) return;
    const quotas = this.#quotas.get(provider) ?? [];
    if (!QUOTA_MATCH.test(id) || quotas.some(({ match }) => match === id)) {
      return this.#comment("models", name, "not converted: rpm, tpm");
    }
    this.#quotas.set(provider, [...quotas, {
      match: id,
      ...(requestsPerMinute === undefined ? {} : { requests: `${requestsPerMinute}/m` }),
      ...(tokensPerMinute === undefined ? {} : { tokens: `${tokensPerMinute}/m` }),
    }]);
  }

  /** The budget of a deployment is that of its model, unless the model has several deployments. */
  #addModelBudget({ name, budget: read }: Deployment, isOnly: boolean): void {
    const key = budgetName(name);
    if (!isOnly && (read !== undefined || Object.hasOwn(this.#budgets, key))) {
      delete this.#budgets[key];
      return this.#comment("models", name, "not converted: max_budget of one of several deployments");
    }
    if (read === undefined) return;
    if (read.budget === undefined || Object.hasOwn(this.#budgets, key)) {
      return this.#comment("models", name, read.note ?? "not converted: max_budget");
    }
    this.addBudget(key, { ...read, budget: { for: { models: [name] }, ...read.budget } });
  }

  /** Adds a budget, or lists the reason it cannot be converted. */
  addBudget(name: string, { budget, note }: ReadBudget): void {
    if (budget === undefined) return this.skip(`${name}: ${note}`);
    this.#budgets[name] = budget;
    if (note !== undefined) this.#comment("budgets", name, note);
  }

  /** LiteLLM's master key becomes a caller that may use everything. */
  addMasterKey(key: string | undefined): void {
    if (key === undefined) return;
    const hash = sha256Hex(key);
    this.#callers = { master: { key: `sha256:${hash}`, models: ["*"] } };
    this.#comment(
      "callers",
      "master",
      "the hash of LiteLLM's master_key; create a key for each team instead (adit keygen)",
    );
  }

  /** Reads `fallbacks: [{ MODEL: [OTHER, …] }]`. */
  addFallbacks(fallbacks: unknown): void {
    for (const entry of Array.isArray(fallbacks) ? fallbacks : []) {
      for (const [name, others] of Object.entries(isMapping(entry) ? entry : {})) {
        if (!this.#targets.has(name)) {
          this.skip(`fallbacks of ${JSON.stringify(name)}, which is not among the converted models`);
          continue;
        }
        const all: readonly unknown[] = Array.isArray(others) ? others : [];
        const names = all.filter((other) => typeof other === "string");
        if (names.length < all.length) {
          this.#comment("models", name, "not converted: fallbacks with settings of their own");
        }
        this.#fallbacks.set(name, names);
      }
    }
  }

  /** One deployment is a model with provider and id; several, or fallbacks, make a list of targets. */
  #models(): Record<string, object> {
    return Object.fromEntries([...this.#targets].map(([name, targets]) => {
      const others = (this.#fallbacks.get(name) ?? []).filter((other) => {
        const isKnown = this.#targets.has(other) && other !== name;
        if (!isKnown) {
          this.#comment("models", name, `not converted: the fallback to ${JSON.stringify(other)}`);
        }
        return isKnown;
      });
      const [only, ...more] = targets;
      if (only !== undefined && more.length === 0 && others.length === 0) {
        const { priority: _priority, weight: _weight, ...model } = only;
        return [name, model];
      }
      const last = Math.max(0, ...targets.map(({ priority = 0 }) => priority));
      return [name, {
        targets: [
          ...this.#named(targets),
          ...others.flatMap((other, index) => this.#fallbackTo(other, last + 1 + index)),
        ],
      }];
    }));
  }

  /** The other model; only its own targets if it has fallbacks, which could lead back. */
  #fallbackTo(model: string, priority: number): readonly object[] {
    if (!this.#fallbacks.has(model)) return [{ model, priority }];
    return (this.#targets.get(model) ?? []).map((target, index) => ({
      ...target,
      name: `${model.replaceAll(/[^A-Za-z0-9._-]/g, "-")}-${index + 1}`,
      priority,
    }));
  }

  /** Targets of one provider need distinct names. */
  #named(targets: readonly DraftTarget[]): readonly DraftTarget[] {
    return targets.map((target, index) => {
      const isRepeated = targets.findIndex(({ provider }) => provider === target.provider) < index;
      return isRepeated ? { name: `${target.provider}-${index + 1}`, ...target } : target;
    });
  }

  finish(): Imported | undefined {
    if (this.#targets.size === 0) return undefined;
    const providers = Object.fromEntries(
      Object.entries(this.#providers).map(([name, provider]) => {
        const quota = this.#quotas.get(name);
        return [name, quota === undefined ? provider : { ...provider, quota }];
      }),
    );
    const hasBudgets = Object.keys(this.#budgets).length > 0;
    const sections = {
      providers,
      models: this.#models(),
      callers: this.#callers,
      ...(hasBudgets && { state: { path: "/var/lib/adit" }, budgets: this.#budgets }),
    };
    const document = new Document(sections);
    document.commentBefore = " Imported from a LiteLLM configuration. Run adit check before using it.";
    for (const [place, lines] of this.#comments) {
      const path: unknown = JSON.parse(place);
      if (Array.isArray(path)) commentKey(document, path, lines);
    }
    if (hasBudgets) {
      commentKey(document, ["state"], ["budgets need it: without it, a restart would forget what was spent"]);
    }
    if (Object.keys(this.#callers).length === 0) {
      commentKey(document, ["callers"], [
        "no key could be converted; run adit keygen to create one for each caller",
      ]);
    }
    if (this.#skipped.length > 0) {
      document.comment = ["Not converted:", ...this.#skipped.map((reason) => `- ${reason}`)]
        .map((line) => ` ${oneLine(line)}`).join("\n");
    }
    return { text: document.toString({ lineWidth: 0 }), warnings: this.#warnings };
  }

  /** Name of the provider for a deployment; deployments with the same settings share one. */
  #providerFor({ name: model, region, endpoint, credentials }: Deployment): string {
    const sound = endpoint === undefined || firstReference(endpoint) !== undefined || parseEndpoint(endpoint);
    if (!sound) this.#comment("models", model, "not converted: an endpoint that is not a plain URL");
    const provider = {
      type: "bedrock",
      // LiteLLM's default region.
      region: region ?? "${env:AWS_REGION:-us-west-2}",
      ...(sound && endpoint !== undefined ? { endpoint } : {}),
      ...(Object.keys(credentials).length === 0 ? {} : { credentials }),
    };
    const same = Object.entries(this.#providers)
      .find(([, other]) => JSON.stringify(other) === JSON.stringify(provider));
    if (same !== undefined) return same[0];
    const base = region === undefined || firstReference(region) !== undefined ? "bedrock" : region;
    let name = base;
    for (let count = 2; Object.hasOwn(this.#providers, name); count++) name = `${base}-${count}`;
    this.#providers[name] = provider;
    const secrets = Object.entries(credentials)
      .filter(([key, value]) =>
        !OPEN_CREDENTIALS.includes(key) && firstReference(String(value)) === undefined
      )
      .map(([key]) => key);
    if (secrets.length > 0) {
      this.#comment("providers", name, "literal secret; move it to ${credential:…} or ${env:…}");
      this.#warnings.push(
        `providers.${name}: ${secrets.join(", ")}: literal secret in LiteLLM's file, copied to this one`,
      );
    }
    return name;
  }

  #comment(section: string, name: string, line: string): void {
    const place = JSON.stringify([section, name]);
    this.#comments.set(place, [...this.#comments.get(place) ?? [], line]);
  }
}

/** A model's name as the name of its budget. */
function budgetName(model: string): string {
  return `model-${model.replaceAll(/[^A-Za-z0-9._-]/g, "-")}`.slice(0, 64);
}

/** Adds comment lines above a key. */
function commentKey(document: Document, path: readonly unknown[], lines: readonly string[]): void {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return;
  const key = parent.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))?.key;
  if (isScalar(key)) key.commentBefore = lines.map((line) => ` ${oneLine(line)}`).join("\n");
}

/** A comment ends at the line break, so its text must not contain one. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
