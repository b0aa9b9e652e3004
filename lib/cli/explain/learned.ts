/** The running gateway's lessons, health of targets and limits, from its admin listener. */

import { bracketed, isLoopback } from "../../base/host.ts";
import { isJsonObject, type JsonValue, member } from "../../base/json.ts";
import { formatDuration } from "../../config/schema/values.ts";
import { isLessonName, type LessonName } from "../../facts/optional_members.ts";
import { tableId } from "../../facts/model_table.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { ModelTarget, Snapshot } from "../../snapshot/snapshot.ts";
import type { CliIo } from "../io.ts";
import { type AdminAnswer, keyHeader } from "../remote/admin_client.ts";

/** Enough for a gateway on this host, even if the host is busy. */
const TIMEOUT_MS = 5_000;

/** The lessons of the running gateway and the health of its targets, or why they are not known. */
export type Learned =
  | {
    readonly from: string;
    readonly models: ReadonlyMap<string, readonly LessonName[]>;
    /** Health by model and target. */
    readonly targets: JsonValue | undefined;
    /** Remaining amounts of rate limits and budgets; undefined if they are not known. */
    readonly limits: JsonValue | undefined;
    /** Whether the remaining amounts need the admin API key, and it was missing or wrong. */
    readonly needsKey: boolean;
  }
  | { readonly unknown: string };

/** Asks the configuration's admin listener if it is on a loopback address, with the key in ADIT_ADMIN_KEY. */
export async function askForLessons(
  { admin, adminTls }: Pick<Snapshot, "admin" | "adminTls">,
  { env, runtime }: Pick<CliIo, "env"> & { readonly runtime: Pick<Runtime, "fetch"> },
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
  const origin = `http://${host}:${admin.port}`;
  const url = `${origin}/-/status`;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const ask = async (each: string, headers = new Headers()): Promise<AdminAnswer> => {
    const response = await runtime.fetch(each, { method: "GET", headers, signal });
    const { status } = response;
    if (status === 200) return { status, view: await response.json() };
    await response.body?.cancel();
    return { status, view: undefined };
  };
  try {
    const [{ view: status }, limits] = await Promise.all([
      ask(url),
      ask(`${origin}/admin/v1/limits?limit=1000`, new Headers(keyHeader(env["ADIT_ADMIN_KEY"]))),
    ]);
    const lessons = member(status, "lessons");
    if (Array.isArray(lessons)) {
      const targets = member(status, "targets");
      const needsKey = limits.status === 401;
      return { from: url, models: modelsOf(lessons), targets, limits: limits.view, needsKey };
    }
  } catch {
    // Nothing listens there, or something that is not a gateway.
  }
  return { unknown: `no gateway answers at ${url}` };
}

/** Identifies a limit, to look up its remaining amount. */
export interface LimitPlace {
  /** Of the rule or the budget. */
  readonly name: string;
  readonly subject: string;
  readonly what: string;
  /** 0 for requests at the same time, and for budgets. */
  readonly periodMs: number;
}

/** The remaining amount, such as ` (4 left)`; empty if it is not known. */
export function leftText({ name, subject, what, periodMs }: LimitPlace, learned: Learned): string {
  if ("unknown" in learned) return "";
  const found = ["rules", "budgets"].flatMap((list) => {
    const rows = member(learned.limits, list);
    return Array.isArray(rows) ? rows.filter(isJsonObject) : [];
  }).find((row) =>
    (row["rule"] ?? row["name"]) === name && (row["what"] ?? row["unit"]) === what &&
    (row["period_s"] ?? 0) === periodMs / 1000 && row["subject"] === subject
  );
  const remaining = found?.["remaining"];
  return typeof remaining === "number" || typeof remaining === "string" ? ` (${remaining} left)` : "";
}

/** The lessons about a model; none if no gateway was asked. */
export function lessonsFor({ id, baseModel }: ModelTarget, learned: Learned): readonly LessonName[] {
  return "unknown" in learned ? [] : learned.models.get(tableId(baseModel ?? id)) ?? [];
}

/** The health of a target; undefined if no gateway was asked. */
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
