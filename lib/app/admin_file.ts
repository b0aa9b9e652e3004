/** The file in the service's runtime directory with the address of the admin listener, for `adit reload`. */

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes the address, or removes the file if there is none. Never throws. */
export async function writeAdminFile(
  folder: string | undefined,
  url: string | undefined,
  onError: (error: unknown) => void,
): Promise<void> {
  if (folder === undefined || folder === "") return;
  const path = join(folder, "admin");
  try {
    if (url === undefined) await rm(path, { force: true });
    else await writeFile(path, `${url}\n`, { mode: 0o600 });
  } catch (error) {
    onError(error);
  }
}
