/** Budgets on the admin listener: their state, and audited corrections. */

import { AditError } from "../base/errors.ts";
import { type JsonObject, parseJsonBody } from "../base/json.ts";
import type { AdminApiAccess } from "../snapshot/snapshot.ts";
import { decodedName, errorAnswer, json, methodNotAllowed, withoutAdminKey } from "./answer.ts";
import type { AdminApi } from "./api.ts";

/** The budgets of the gateway. */
export interface BudgetControl {
  view(): readonly unknown[];
  /** `usd`, `tokens` or `requests`; undefined for an unknown budget. */
  unitOf(name: string): string | undefined;
  /** Adds the amount to what is spent, or resets it if undefined. Returns undefined for an unknown budget. */
  correct(name: string, subject: string, amount: bigint | undefined): object | undefined;
}

export interface BudgetsApiOptions {
  readonly budgets: BudgetControl;
  readonly access: () => AdminApiAccess | undefined;
  /** The request's body, limited in size; throws an AditError. */
  readonly readBody: (request: Request) => Promise<Uint8Array>;
  /** Called after each correction. */
  readonly audit: (correction: BudgetCorrection) => void;
}

/** The audit record of a correction. */
export interface BudgetCorrection {
  readonly action: "adjust" | "reset";
  readonly budget: string;
  readonly subject: string;
  /** As sent; undefined for a reset. */
  readonly amount: string | undefined;
  readonly reason: string;
  readonly remote: string;
}

const PATH = /^\/admin\/v1\/budgets(?:\/([^/]+)\/(adjust|reset))?$/;

/** Answers requests for `/admin/v1/budgets` and its corrections; undefined for any other path. */
export function budgetsApi(options: BudgetsApiOptions): AdminApi {
  return ({ request, path, remote }) => {
    const match = PATH.exec(path);
    if (match === null) return undefined;
    const [, name, action] = match;
    return answer(request, { ...options, remote, name, action: action === "reset" ? "reset" : "adjust" });
  };
}

interface Call extends BudgetsApiOptions {
  readonly remote: string;
  /** Percent-encoded; undefined for the list. */
  readonly name: string | undefined;
  readonly action: BudgetCorrection["action"];
}

async function answer(request: Request, call: Call): Promise<Response> {
  const access = call.access();
  const refused = withoutAdminKey(request, access);
  if (refused !== undefined) return refused;
  const { name } = call;
  const allow = name === undefined ? "GET, HEAD" : "POST";
  if (!allow.split(", ").includes(request.method)) return methodNotAllowed(allow);
  if (name === undefined) return json(200, { budgets: call.budgets.view() });
  if (access === undefined) return json(403, { error: "corrections require admin_api.key" });
  try {
    return await correct(request, { ...call, name });
  } catch (error) {
    return errorAnswer(error);
  }
}

async function correct(request: Request, call: Call & { readonly name: string }): Promise<Response> {
  const { budgets, action, remote, readBody, audit } = call;
  const body = parseJsonBody(await readBody(request), { maxDepth: 8 });
  const budget = decodedName(call.name);
  const subject = textOf(body, "subject", "");
  const reason = textOf(body, "reason", undefined);
  const unit = budgets.unitOf(budget);
  if (unit === undefined) return json(404, { error: `there is no budget ${JSON.stringify(budget)}` });
  const amount = action === "reset" ? undefined : amountOf(body, unit);
  const view = budgets.correct(budget, subject, amount?.units);
  audit({ action, budget, subject, amount: amount?.text, reason, remote });
  return json(200, view);
}

function textOf(body: JsonObject, member: string, byDefault: string | undefined): string {
  const value = body[member] ?? byDefault;
  if (typeof value !== "string" || value.length > 512) {
    throw new AditError("invalid_request", `${member}: expected a string of at most 512 characters`);
  }
  return value;
}

/** The amount to add, which may be negative: member `usd` for money, `amount` for tokens and requests. */
function amountOf(body: JsonObject, unit: string): { readonly units: bigint; readonly text: string } {
  const member = unit === "usd" ? "usd" : "amount";
  const value = body[member];
  const text = typeof value === "number" ? String(value) : value;
  const match = typeof text === "string" ? /^(-?)(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text) : null;
  if (typeof text !== "string" || match === null || (unit !== "usd" && match[3] !== undefined)) {
    throw new AditError("invalid_request", `${member}: expected an amount as a string, such as "-12.50"`);
  }
  const [, sign, whole = "0", fraction = ""] = match;
  const units = unit === "usd" ? BigInt(whole + fraction.padEnd(9, "0")) : BigInt(whole);
  return { units: sign === "-" ? -units : units, text };
}
