/** The machine and the programs that the figures were measured with. */

import { arch, cpus, release, totalmem } from "node:os";
import { BUN } from "../repository.ts";
import { PORTKEY_VERSION } from "./portkey.ts";
import { isOnPath, PINNING, run } from "./processes.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly pinning: string;
  /** By program. */
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  const [processor] = cpus();
  const versions: Record<string, string> = { deno: Deno.version.deno };
  versions["bun"] = (await run([BUN, "--version"], { place: "load" })).trim();
  versions["node"] = (await run(["node", "--version"], { place: "load" })).trim().slice(1);
  versions["Portkey"] = PORTKEY_VERSION;
  if (await isOnPath("nginx")) {
    const version = await run(["sh", "-c", "nginx -v 2>&1"], { place: "load" });
    versions["nginx"] = /nginx\/([\d.]+)/.exec(version)?.[1] ?? "";
  }
  return {
    processor: `${processor?.model.trim() ?? "unknown"}, ${arch()}`,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    pinning: PINNING,
    versions,
  };
}
