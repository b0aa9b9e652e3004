/**
 * `GET /foundation-models` and `/inference-profiles`: the models that the caller may use natively, in AWS's form.
 */

import { matchesGlob } from "../base/glob.ts";
import { partitionName } from "../aws/hosts.ts";
import { modelsFor } from "../snapshot/access.ts";
import { queryOf } from "../server/path.ts";
import type { Caller, ModelTarget, Snapshot } from "../snapshot/snapshot.ts";
import { foundationModelId } from "../facts/model_id.ts";
import type { CallerEndpoint } from "../gateway/endpoint.ts";
import { jsonAnswer } from "../gateway/outcome.ts";
import { OWN_ACCOUNT } from "../gateway/resolve.ts";

export type CatalogList = "foundationModels" | "inferenceProfiles";

/** One of the lists. */
export function catalogEndpoint(list: CatalogList): CallerEndpoint {
  return {
    needs: "caller",
    about: { endpoint: "catalog", list },
    counts: undefined,
    read({ caller, snapshot, target }) {
      const catalog = listCatalog(list, { caller, snapshot, query: queryOf(target) });
      return { kind: "answer", answer: jsonAnswer(catalog) };
    },
  };
}

export interface CatalogOptions {
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  /** May contain `type` for profiles and `byProvider` for models; AWS's other filters are ignored. */
  readonly query: URLSearchParams;
}

/** An id that the caller may send as a model id. */
interface Entry {
  readonly id: string;
  readonly region: string;
  readonly profile: "APPLICATION" | "SYSTEM_DEFINED" | undefined;
  /** The model behind it, as far as the configuration shows it. */
  readonly foundation: string;
}

/**
 * One list, in one page: configured names, and the real ids behind configured models that the caller's `native`
 * allows. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
 */
export function listCatalog(list: CatalogList, { caller, snapshot, query }: CatalogOptions): unknown {
  const entries = entriesFor(caller, snapshot);
  switch (list) {
    case "foundationModels": {
      const models = entries.filter(({ profile }) => profile === undefined).map(modelSummary);
      const provider = query.get("byProvider")?.toLowerCase();
      return {
        modelSummaries: models.filter(({ providerName }) =>
          provider === undefined || providerName.toLowerCase() === provider
        ),
      };
    }
    case "inferenceProfiles": {
      const type = query.get("type");
      return {
        inferenceProfileSummaries: entries.flatMap((entry) =>
          entry.profile === undefined || (type !== null && type !== entry.profile)
            ? []
            : [profileSummary(entry)]
        ),
      };
    }
  }
}

function entriesFor(caller: Caller, snapshot: Snapshot): readonly Entry[] {
  const targets = [...snapshot.models.values()].flatMap((model) => model.targets);
  const named = modelsFor(caller, snapshot).map(({ name, targets: [first] }) => entryOf(first, name));
  const raw = targets.filter((target) => mayUseId(target, caller)).map((target) =>
    entryOf(target, target.id)
  );
  return [...new Map([...raw, ...named].map((entry) => [entry.id, entry])).values()];
}

/** ARNs are left out, because they contain the operator's account. */
function mayUseId({ id, provider }: ModelTarget, { native }: Caller): boolean {
  return !id.startsWith("arn:") && native !== undefined && native.regions.has(provider.region) &&
    native.ids.some((glob) => matchesGlob(glob, id));
}

function entryOf({ id: modelId, baseModel, provider }: ModelTarget, id: string): Entry {
  const foundation = foundationModelId(baseModel ?? modelId);
  return {
    id,
    region: provider.region,
    profile: profileType(modelId),
    // An ARN that does not contain its model is not listed as a model.
    foundation: foundation.startsWith("arn:") ? id : foundation,
  };
}

function profileType(modelId: string): Entry["profile"] {
  if (modelId.includes(":application-inference-profile/")) return "APPLICATION";
  const isProfile = modelId.startsWith("arn:")
    ? modelId.includes(":inference-profile/")
    : foundationModelId(modelId) !== modelId;
  return isProfile ? "SYSTEM_DEFINED" : undefined;
}

function modelSummary({ id, region, foundation }: Entry) {
  return {
    modelArn: foundationArn(region, id),
    modelId: id,
    modelName: id,
    providerName: foundation.split(".")[0] ?? "",
    inferenceTypesSupported: ["ON_DEMAND"],
    modelLifecycle: { status: "ACTIVE" },
  };
}

function profileSummary({ id, region, profile, foundation }: Entry) {
  return {
    inferenceProfileName: id,
    inferenceProfileId: id,
    inferenceProfileArn: `arn:${
      partitionName(region)
    }:bedrock:${region}:${OWN_ACCOUNT}:inference-profile/${id}`,
    models: [{ modelArn: foundationArn(region, foundation) }],
    status: "ACTIVE",
    type: profile,
  };
}

function foundationArn(region: string, id: string): string {
  return `arn:${partitionName(region)}:bedrock:${region}::foundation-model/${id}`;
}
