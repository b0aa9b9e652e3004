/** Explains how a request for a model would be routed, and why; nothing is sent. */

import { bedrockEndpoint } from "../../aws/hosts.ts";
import { AditError } from "../../base/errors.ts";
import { matchesGlob } from "../../base/glob.ts";
import { REDACTED } from "../../base/secret.ts";
import { refusalReason } from "../../callers/authenticate.ts";
import { originOf } from "../../config/effective.ts";
import type { SourceMap } from "../../config/file/source_map.ts";
import { settingPaths } from "../../config/setting_paths.ts";
import { formatPath, type Path } from "../../base/problems.ts";
import { type LessonName, lessonTraits } from "../../facts/optional_members.ts";
import { priceOf } from "../../facts/price_book.ts";
import type { ModelTable } from "../../facts/model_table.ts";
import { flowYaml, writtenTraits } from "../../facts/written_traits.ts";
import type { Credentials, Provider } from "../../snapshot/provider.ts";
import {
  type Caller,
  type ModelTarget,
  OWN_APIS,
  type OwnApi,
  type Snapshot,
} from "../../snapshot/snapshot.ts";
import { didYouMean } from "../../config/schema/suggest.ts";
import { formatDuration, formatSize } from "../../config/schema/values.ts";
import { messagesApi } from "../../endpoints/model_api.ts";
import { chooseRegion, planFor, resolveModel, resolveNative } from "../../gateway/resolve.ts";
import { modelFor } from "../../snapshot/access.ts";
import type { Plan, Target } from "../../snapshot/plan.ts";
import { ownAddress } from "../../providers/bedrock/own/address.ts";
import { type Operation, operationPath, OPERATIONS } from "../../providers/bedrock/operations.ts";
import { isSignedByCaller, mantleOrigin } from "../../providers/upstream.ts";
import type { Fact } from "./fact.ts";
import { failoverFacts } from "./failover_facts.ts";
import { type Learned, lessonsFor, stateFor } from "./learned.ts";
import { priceOrigin, priceText } from "../../facts/price_text.ts";
import { limitFacts, quotaText } from "./limit_facts.ts";
import { traitFacts } from "./trait_facts.ts";

export interface Explanation {
  /** Whether the request would be sent to a provider. */
  readonly served: boolean;
  /** Undefined if the request would be refused. */
  readonly plan: Plan | undefined;
  /** In the order in which they apply to a request. */
  readonly facts: readonly Fact[];
}

export interface ExplainOptions {
  readonly snapshot: Snapshot;
  /** The caller of the request; undefined for any caller that may use the model. */
  readonly caller: Caller | undefined;
  readonly sourceMap: SourceMap;
  /** The rows from which models get their traits. */
  readonly table: ModelTable;
  readonly nowMs: number;
  /** The state of the running gateway. */
  readonly learned: Learned;
}

/** Explains a request for a configured model, or for a model id if the given caller may use model ids. */
export function explainModel(name: string, options: ExplainOptions): Explanation {
  const { snapshot, caller, nowMs } = options;
  const plan = planOf(name, options);
  const facts = [
    ...(caller === undefined ? usersOf(name, snapshot) : [callerFact(caller, nowMs)]),
    ...(typeof plan === "string" ? [{ topic: "refused", text: plan }] : targetFacts(plan, options)),
  ];
  const served = typeof plan !== "string" &&
    (caller === undefined || refusalReason(caller, nowMs) === undefined);
  return { served, plan: typeof plan === "string" ? undefined : plan, facts };
}

const NOT_FOUND = "404, on Bedrock's own API 403";

/** The plan, or the reason there is none. */
function planOf(name: string, { snapshot, caller, sourceMap }: ExplainOptions): Plan | string {
  const model = snapshot.models.get(name);
  const suggestion = didYouMean(name, snapshot.models.keys());
  if (caller === undefined) {
    if (model === undefined) {
      return `unknown model; model ids are only served to callers with native access${suggestion}`;
    }
    return planFor(model);
  }
  if (modelFor(name, caller, snapshot) !== undefined) {
    return planOrRefusal(() => resolveModel(name, caller, snapshot));
  }
  const place = { id: name, pathRegion: undefined, signatureRegion: undefined };
  try {
    return resolveNative(place, caller, snapshot);
  } catch (error) {
    if (!(error instanceof AditError)) throw error;
  }
  const path = ["callers", caller.name];
  if (model !== undefined) return `${NOT_FOUND}: not in ${written([...path, "models"], sourceMap)}`;
  const { native } = caller;
  if (native === undefined) {
    return `${NOT_FOUND}: unknown model, and ${formatPath(path)} has no native access${suggestion}`;
  }
  if (!native.ids.some((glob) => matchesGlob(glob, name))) {
    return `${NOT_FOUND}: not a configured model, and not in the ids of ${
      written([...path, "native"], sourceMap)
    }`;
  }
  const { region, because } = chooseRegion(place, native);
  return `${NOT_FOUND}: region ${region} (${because}) is not in ${written([...path, "native"], sourceMap)}`;
}

/** A caller's data residency may exclude every target. */
function planOrRefusal(resolve: () => Plan): Plan | string {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof AditError) return `403: ${error.message}`;
    throw error;
  }
}

function usersOf(name: string, snapshot: Snapshot): readonly Fact[] {
  const names = [...snapshot.callers.values()]
    .filter((caller) => modelFor(name, caller, snapshot) !== undefined)
    .map((caller) => caller.name);
  return [{ topic: "callers", text: names.length === 0 ? "none" : names.join(", ") }];
}

/** Why a caller's key is refused. */
const REFUSALS = { disabled_key: "the key is disabled", expired_key: "the key has expired" } as const;

function callerFact(caller: Caller, nowMs: number): Fact {
  const refusal = refusalReason(caller, nowMs);
  const text = refusal === undefined ? caller.name : `${caller.name}: 401, ${REFUSALS[refusal]}`;
  return { topic: "caller", text };
}

function targetFacts(plan: Plan, options: ExplainOptions): readonly Fact[] {
  const { targets } = plan;
  const { snapshot: { limits, timeouts }, learned } = options;
  const { connectMs, firstByteMs, idleMs, totalMs } = timeouts;
  const durations = { connect: connectMs, "first byte": firstByteMs, idle: idleMs, total: totalMs };
  return [
    ...failoverFacts(plan, timeouts),
    ...targets.flatMap((target) => [
      ...(targets.length > 1 ? [{ topic: "target", text: target.settings?.name ?? "" }] : []),
      ...providerFacts(target, options),
      ...requestFacts(target, { ...options, isOnly: targets.length === 1 }),
      priceFact(target, options),
      ...quotaFacts(target),
      ...(target.settings === undefined ? [] : settingFacts(target.settings, options)),
      ...stateFacts(plan.name, target, options),
    ]),
    ...("unknown" in learned && targets.some(({ settings }) => settings !== undefined)
      ? [{ topic: "learned", text: `unknown: ${learned.unknown}` }]
      : []),
    ...limitFacts(plan, options),
    {
      topic: "limits",
      text: `body ${formatSize(limits.bodyBytes)}, ${limits.concurrent} in-flight requests`,
    },
    {
      topic: "timeouts",
      text: Object.entries(durations).map(([name, ms]) => `${name} ${formatDuration(ms)}`).join(", "),
    },
  ];
}

/** The health of the target in the running gateway, if that is known. */
function stateFacts(model: string, { settings }: Target, { learned }: ExplainOptions): readonly Fact[] {
  const state = settings === undefined ? undefined : stateFor(model, settings.name, learned);
  return state === undefined ? [] : [{ topic: "state", text: state }];
}

function quotaFacts(target: Target): readonly Fact[] {
  const text = quotaText(target);
  return text === "" ? [] : [{ topic: "quota", text }];
}

function providerFacts({ provider, settings, modelId }: Target, options: ExplainOptions): readonly Fact[] {
  const { sourceMap } = options;
  const id = settings === undefined
    ? modelId
    : `${modelId}, from ${written([...settings.path, "id"], sourceMap)}`;
  return [
    { topic: "provider", text: `${provider.name}, ${written(["providers", provider.name], sourceMap)}` },
    { topic: "model id", text: id },
    {
      topic: "region",
      text: `${provider.region}, ${regionReason({ provider, settings, modelId }, options)}`,
    },
    { topic: "host", text: hostOf(provider) },
    { topic: "credentials", text: credentialsOf(provider) },
  ];
}

function regionReason(
  { provider, settings, modelId }: Target,
  { caller, sourceMap }: ExplainOptions,
): string {
  if (settings !== undefined) return `from ${written(["providers", provider.name, "region"], sourceMap)}`;
  const place = { id: modelId, pathRegion: undefined, signatureRegion: undefined };
  const because = caller?.native && chooseRegion(place, caller.native).because;
  return `from the ${because ?? "default"}; a request's path or signature may select another`;
}

function hostOf(provider: Provider): string {
  switch (provider.kind) {
    case "emulator":
      return "none (built-in emulator)";
    case "bedrock":
      return provider.endpoint === undefined
        ? bedrockEndpoint(provider.region, provider)
        : `${provider.endpoint}, instead of the AWS endpoint`;
  }
}

function credentialsOf(provider: Provider): string {
  return provider.kind === "emulator" ? "the emulator's own" : describeCredentials(provider.credentials);
}

/** The source of credentials, never their values. */
function describeCredentials(credentials: Credentials): string {
  switch (credentials.kind) {
    case "static":
      return credentials.sessionToken === undefined
        ? "key pair from the configuration, SigV4"
        : "temporary key pair from the configuration, SigV4";
    case "chain":
      return "AWS default credential chain, SigV4";
    case "profile":
      return `profile ${JSON.stringify(credentials.profile)} in the shared AWS files, SigV4`;
    case "role":
      return `role ${credentials.arn}, assumed with: ${describeCredentials(credentials.base)}`;
    case "api_key":
      return "Bedrock API key from the configuration, as a bearer token";
    case "caller":
      return "the caller's own signature, passed through unchanged";
  }
}

function requestFacts(
  { provider, settings: model, modelId }: Target,
  { sourceMap, caller, isOnly }: ExplainOptions & { readonly isOnly: boolean },
): readonly Fact[] {
  const request = (whole: Operation, stream: Operation) =>
    `${OPERATIONS[whole].method} ${operationPath(whole, [modelId])} (streams: ${lastSegment(stream)})`;
  const native = {
    topic: "native",
    text: `any operation on ${modelSegment(modelId)}${
      isOnly ? "" : nativeCondition(provider, caller, sourceMap)
    }`,
  };
  if (model === undefined) return [native];
  const vectors = (["embeddings", "rerank"] as const).filter((topic) => model.traits[topic] !== "none");
  if (isSignedByCaller(provider)) {
    return [
      {
        topic: (vectors.length > 0 ? vectors : OWN_APIS).join(", "),
        text: "400: this provider only accepts requests signed by the caller",
      },
      native,
    ];
  }
  for (const topic of vectors) {
    const form = model.traits[topic];
    const path = operationPath("invoke", [modelId]);
    return [{ topic, text: `${OPERATIONS.invoke.method} ${path}, with the body of ${form}` }, native];
  }
  const api = messagesApi(model);
  const reason = model.api === undefined
    ? `because the model ${model.traits.anthropicMessages ? "accepts" : "does not accept"} Anthropic Messages`
    : `from ${written([...model.path, "api"], sourceMap)}`;
  const messages = api === "invoke"
    ? request("invoke", "invokeStream")
    : request("converse", "converseStream");
  return [
    ...(["chat", "responses"] as const).map((api) =>
      ownFact(api, model) ?? { topic: api, text: request("converse", "converseStream") }
    ),
    ownFact("messages", model) ?? { topic: "messages", text: `${messages}, ${reason}` },
    native,
  ];
}

/** When requests to Bedrock's own API reach a target outside the caller's `native` regions; empty for others. */
function nativeCondition(
  { region }: Provider,
  caller: Caller | undefined,
  sourceMap: SourceMap,
): string {
  if (caller?.native === undefined || caller.native.regions.has(region)) return "";
  const path = ["callers", caller.name, "native"];
  return `, only if the path or ARN names ${region}, which is not in ${written(path, sourceMap)}`;
}

/** The address to which requests are passed on; undefined if they are translated. */
function ownFact(api: OwnApi, { ownApis, provider, dropTools }: ModelTarget): Fact | undefined {
  const address = ownAddress(api, ownApis);
  if (address === undefined) return undefined;
  const isElsewhere = address.endpoint === "mantle" && provider.kind === "bedrock";
  const changes = [
    ...dropTools.length > 0 ? [`without tools of type ${dropTools.join(", ")}`] : [],
    ...api === "responses" && ownApis?.hoistsTools ? ["with tools moved from items to tools"] : [],
  ];
  const path = `${isElsewhere ? mantleOrigin(provider) : ""}${address.path}`;
  const how = changes.length === 0 ? "unchanged" : changes.join(" and ");
  return { topic: api, text: `POST ${path} at the ${address.endpoint} endpoint, passed on ${how}` };
}

function priceFact({ provider, modelId, settings }: Target, { snapshot, nowMs }: ExplainOptions): Fact {
  const billed = { id: modelId, baseModel: settings?.baseModel, region: provider.region };
  const found = priceOf(billed, snapshot.prices, nowMs);
  if (found === undefined) return { topic: "price", text: "unknown; set it in prices.file" };
  const assumed = found.isAssumed ? "assumed: " : "";
  return { topic: "price", text: `${assumed}${priceText(found.row)}, from ${priceOrigin(found.row)}` };
}

function lastSegment(operation: Operation): string {
  return OPERATIONS[operation].path.split("/").at(-1) ?? "";
}

function modelSegment(modelId: string): string {
  return operationPath("converse", [modelId]).split("/").slice(0, 3).join("/");
}

function settingFacts(target: ModelTarget, { sourceMap, table, learned }: ExplainOptions): readonly Fact[] {
  const { defaults, guardrail, metadata } = target;
  const lessons = lessonsFor(target, learned);
  const shown = (key: string, value: object) => {
    if (Object.keys(value).length === 0) return "";
    return readsSecret(target, key, sourceMap) ? REDACTED : JSON.stringify(value);
  };
  return [
    { topic: "defaults", text: shown("defaults", defaults) },
    {
      topic: "guardrail",
      text: guardrail === undefined ? "" : `${guardrail.id} version ${guardrail.version}`,
    },
    { topic: "metadata", text: shown("metadata", metadata) },
    ...traitFacts(target, { table, sourceMap, lessons }),
    { topic: "learned", text: learnedText(lessons, target, { sourceMap, learned }) },
  ].filter(({ text }) => text !== "");
}

/** The lessons about a target, and the traits to write to keep them; empty if no gateway was asked. */
function learnedText(
  lessons: readonly LessonName[],
  target: ModelTarget,
  { sourceMap, learned }: Pick<ExplainOptions, "learned" | "sourceMap">,
): string {
  if ("unknown" in learned) return "";
  if (lessons.length === 0) return `nothing, according to ${learned.from}`;
  const path = [...target.path, "traits"];
  const traits = readsSecret(target, "traits", sourceMap)
    ? REDACTED
    : flowYaml(writtenTraits(lessonTraits(lessons, target.traits)));
  return `Bedrock refused ${lessons.join(", ")}; to keep this, write ${formatPath(path)}: ${traits}`;
}

function readsSecret(target: ModelTarget, key: string, sourceMap: SourceMap): boolean {
  return settingPaths(target, key).some((path) => sourceMap.readsSecretAt(path));
}

/** `models.fast.id (adit.yaml:12)`. */
function written(path: Path, sourceMap: SourceMap): string {
  return `${formatPath(path)} (${originOf(path, sourceMap)})`;
}
