/** Checks that the shared AWS files contain the profiles of the configuration. */

import { join } from "node:path";

import { type Problem, quote } from "../../base/problems.ts";
import { type ReadFile, readText } from "../file/files.ts";
import type { SourceMap } from "../file/source_map.ts";
import type { Config } from "../schema/config_file.ts";

export interface ProfileOptions {
  readonly sourceMap: SourceMap;
  readonly readFile: ReadFile;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A warning for each profile that is in neither file; none if the home directory is unknown. */
export async function missingProfiles(
  { providers }: Config,
  options: ProfileOptions,
): Promise<readonly Problem[]> {
  const { sourceMap, readFile, env } = options;
  const named = Object.entries(providers).flatMap(([name, entry]) => {
    const profile = entry.type === "bedrock" ? entry.credentials?.profile : undefined;
    return profile === undefined ? [] : [{ path: ["providers", name, "credentials", "profile"], profile }];
  });
  const home = env["HOME"];
  if (named.length === 0 || home === undefined || home === "") return [];
  const config = env["AWS_CONFIG_FILE"] ?? join(home, ".aws/config");
  const shared = env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(home, ".aws/credentials");
  const known = new Set<string>();
  for (const file of [config, shared]) {
    const read = await readText(file, readFile);
    for (
      const [, name = ""] of (read.ok ? read.text : "").matchAll(
        /^[ \t]*\[[ \t]*(?:profile[ \t]+)?([^\]]+?)[ \t]*\]/gm,
      )
    ) {
      known.add(name.replace(/^(["'])(.*)\1$/, "$2"));
    }
  }
  return named.filter(({ profile }) => !known.has(profile)).map(({ path, profile }) => {
    const shown = sourceMap.referenceAt(path) === undefined
      ? quote(profile)
      : `in ${sourceMap.referenceAt(path)}`;
    return sourceMap.problem(path, `the profile ${shown} is in neither ${config} nor ${shared}`);
  });
}
