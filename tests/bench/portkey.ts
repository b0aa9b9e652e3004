/** Portkey's gateway, installed from npm for the benchmark only. */

import { repositoryPath } from "../repository.ts";

/** The version that is measured. */
export const PORTKEY_VERSION = "1.15.2";

/** Path of its program; installs it into a folder that git ignores, if it is not there. */
export async function installPortkey(): Promise<string> {
  const folder = repositoryPath(`.tools/portkey-${PORTKEY_VERSION}`);
  const program = `${folder}/node_modules/@portkey-ai/gateway/build/start-server.js`;
  if (await Deno.stat(program).catch(() => undefined) !== undefined) return program;
  const { success } = await new Deno.Command("npm", {
    args: [
      ...["install", "--prefix", folder, "--no-save", "--no-package-lock", "--no-audit", "--no-fund"],
      ...["--ignore-scripts", "--loglevel=error", `@portkey-ai/gateway@${PORTKEY_VERSION}`],
    ],
    stdout: "null",
  }).output();
  if (!success) throw new Error(`Cannot install @portkey-ai/gateway@${PORTKEY_VERSION} from npm`);
  return program;
}
