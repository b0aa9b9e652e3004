/** Maps AISIX's `routing` of a model, which refers to other models, to the targets of an entry, and back. */

import { AditError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../base/json.ts";

const STRATEGIES = ["failover", "weighted", "round_robin"] as const;
type Strategy = (typeof STRATEGIES)[number];

/** Members of `routing` that are read; retries follow the gateway's own rules. */
const MEMBERS: readonly string[] = ["strategy", "targets"];

/** The keys of an entry for a `routing`; throws `invalid_request` that names the invalid member. */
export function toTargets(routing: JsonValue): JsonObject {
  if (!isJsonObject(routing)) throw invalid("routing: expected an object");
  const strategy = strategyOf(routing);
  const { targets } = routing;
  if (!Array.isArray(targets)) throw invalid("routing.targets: expected a list");
  return {
    targets: targets.map((target, index) => {
      if (!isJsonObject(target) || typeof target["model"] !== "string") {
        throw invalid(`routing.targets[${index}].model: expected the name of a model`);
      }
      const { model, weight } = target;
      return {
        model,
        ...(strategy === "failover" && index > 0 ? { priority: index } : {}),
        ...(strategy === "weighted" && weight !== undefined ? { weight } : {}),
      };
    }),
    ...(strategy === "failover" ? {} : { pick: "weight" }),
  };
}

/** The inverse; undefined for targets with their own provider and id, which AISIX does not have. */
export function toRouting({ targets, pick }: JsonObject): JsonObject | undefined {
  if (!isModels(targets)) return undefined;
  const byPriority = targets.toSorted((one, other) => priorityOf(one) - priorityOf(other));
  const isInOrder = new Set(targets.map(priorityOf)).size === targets.length;
  const isWeighted = targets.some(({ weight }) => weight !== undefined);
  const strategy: Strategy = pick !== "weight" && isInOrder
    ? "failover"
    : isWeighted
    ? "weighted"
    : "round_robin";
  return {
    strategy,
    targets: byPriority.map(({ model = null, weight }) => ({
      model,
      ...(weight === undefined ? {} : { weight }),
    })),
  };
}

/** Whether all targets are other models. */
export function isModels(targets: JsonValue | undefined): targets is JsonObject[] {
  return Array.isArray(targets) &&
    targets.every((target) => isJsonObject(target) && target["model"] !== undefined);
}

/** Members of a `routing` without a counterpart. */
export function unusedRouting(routing: JsonValue | undefined): readonly string[] {
  if (!isJsonObject(routing)) return [];
  return Object.keys(routing).filter((member) => routing[member] !== null && !MEMBERS.includes(member));
}

function strategyOf({ strategy = "failover" }: JsonObject): Strategy {
  const known = STRATEGIES.find((each) => each === strategy);
  if (known === undefined) throw invalid(`routing.strategy: expected one of ${STRATEGIES.join(", ")}`);
  return known;
}

function priorityOf({ priority = 0 }: JsonObject): number {
  return typeof priority === "number" ? priority : 0;
}

function invalid(message: string): AditError {
  return new AditError("invalid_request", message);
}
