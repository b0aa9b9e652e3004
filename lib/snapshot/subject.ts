/** The caller and team for which a request is sent, and texts that contain their names. */

import type { RoleCredentials } from "./provider.ts";

/** A caller and its team. */
export interface Subject {
  readonly caller: string;
  /** Undefined for none. */
  readonly team: string | undefined;
}

/** Whether a role needs a session for each caller or team, because its session name or a tag contains their names. */
export function isForEach({ sessionName, tags }: RoleCredentials): boolean {
  return [sessionName, ...Object.values(tags)].some((text) =>
    text.includes("{caller}") || text.includes("{team}")
  );
}

/** The text with the names instead of `{caller}` and `{team}`; without a team, its name is empty. */
export function fillNames(text: string, { caller, team = "" }: Subject): string {
  return text.replaceAll("{caller}", () => caller).replaceAll("{team}", () => team);
}
