/** Which subjects a budget can have, for corrections by operators. */

import { AditError } from "../../base/errors.ts";
import type { Budget } from "../../snapshot/budget.ts";
import type { Snapshot } from "../../snapshot/snapshot.ts";

/** Throws an AditError if no request can count for the subject, for example because its name is misspelt. */
export function refuseUnknownSubject({ name, each }: Budget, subject: string, snapshot: Snapshot): void {
  if (isKnown(each, subject, snapshot)) return;
  const budget = `budget ${JSON.stringify(name)}`;
  const reason = each === "none"
    ? `${budget} is shared by everyone; omit the subject`
    : `${budget} is for each ${each}, and there is no ${each} ${JSON.stringify(subject)}`;
  throw new AditError("invalid_request", `subject: ${reason}`);
}

function isKnown(each: Budget["each"], subject: string, { callers, models }: Snapshot): boolean {
  switch (each) {
    case "none":
      return subject === "";
    case "caller":
      return callers.get(subject) !== undefined;
    case "team":
      return [...callers.values()].some(({ team = "" }) => team === subject);
    case "model":
      return models.has(subject);
  }
}
