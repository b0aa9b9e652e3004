/** What the running gateway knows about models and their targets, asked from its admin listener. */

import { bracketed, isLoopback } from "../../base/host.ts";
import { isJsonObject, type JsonValue, member } from "../../base/json.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { isLessonName, type LessonName } from "../../facts/optional_members.ts";
import { tableId } from "../../facts/model_table.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ModelTarget, Snapshot } from "../../snapshot/snapshot.ts";

/** The gateway is on this host, which may be busy; one that takes longer is not waited for. */
const TIMEOUT_MS = 5_000;

/** The lessons of the running gateway and the health of its targets, or why they are not known. */
export type Learned =
  | {
    readonly from: string;
    readonly models: ReadonlyMap<string, readonly LessonName[]>;
    /** By model and target. */
    readonly targets: JsonValue | undefined;
  }
  | { readonly unknown: string };

/** Asks the admin listener of the configuration, if it is open to this host. */
export async function askForLessons(
  { admin, adminTls }: Pick<Snapshot, "admin" | "adminTls">,
  runtime: Pick<Runtime, "fetch">,
): Promise<Learned> {
  if (admin === undefined) {
    return { unknown: "`admin` is off; the log of the running gateway says what it has learned" };
  }
  if ("path" in admin) {
    return { unknown: `see lessons in: curl -s --unix-socket ${admin.path} http://localhost/-/status` };
  }
  if (admin.port === 0) {
    return { unknown: "see lessons in /-/status of the running gateway's admin listener" };
  }
  if (adminTls !== undefined || !isLoopback(admin.hostname)) {
    return { unknown: "see lessons in /-/status of the admin listener, which needs the admin API key" };
  }
  const host = bracketed(admin.hostname);
  const url = `http://${host}:${admin.port}/-/status`;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await runtime.fetch(url, { method: "GET", headers: new Headers(), signal });
    const status: JsonValue = await response.json();
    const lessons = member(status, "lessons");
    if (response.status === 200 && Array.isArray(lessons)) {
      return { from: url, models: modelsOf(lessons), targets: member(status, "targets") };
    }
  } catch {
    // Nothing listens there, or something that is not a gateway.
  }
  return { unknown: `no gateway answers at ${url}` };
}

/** What is known about a model; undefined if no gateway was asked. */
export function lessonsFor({ id, baseModel }: ModelTarget, learned: Learned): readonly LessonName[] {
  return "unknown" in learned ? [] : learned.models.get(tableId(baseModel ?? id)) ?? [];
}

/** The health of a target of a model; undefined if no gateway was asked. */
export function stateFor(model: string, target: string, learned: Learned): string | undefined {
  if ("unknown" in learned) return undefined;
  const status = member(member(learned.targets, model), target);
  const state = member(status, "state");
  if (typeof state !== "string") return `not used yet, according to ${learned.from}`;
  const restsMs = member(status, "rests_ms");
  const error = member(status, "last_error");
  const rest = typeof restsMs === "number"
    ? ` for ${formatDuration(1_000 * Math.ceil(restsMs / 1_000))}`
    : "";
  const last = typeof error === "string" ? `, last error ${error}` : "";
  return `${state}${rest}${last}, according to ${learned.from}`;
}

function modelsOf(lessons: readonly JsonValue[]): Map<string, readonly LessonName[]> {
  return new Map(
    lessons.filter(isJsonObject).flatMap(({ model_id: id, members }) => {
      const names = Array.isArray(members) ? members.filter(isNamed) : [];
      return typeof id === "string" ? [[id, names]] : [];
    }),
  );
}

function isNamed(value: JsonValue): value is LessonName {
  return typeof value === "string" && isLessonName(value);
}
