/** The online part of `adit check`: a few requests, sent in the same way as by `adit serve`. */

import { TimerWheel } from "../base/clock.ts";
import { createLogger } from "../base/log/log.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { EMULATOR_CREDENTIALS } from "../emulator/server/credentials.ts";
import { emulatorFetch } from "../emulator/in_process.ts";
import { askOnline, type Finding } from "../providers/bedrock/online.ts";
import { ProviderCredentials } from "../providers/bedrock/provider_credentials.ts";
import { ProviderNetworks } from "../providers/transport/networks.ts";
import { Upstream } from "../providers/upstream.ts";
import type { CliIo } from "./io.ts";
import { VERSION } from "./version.ts";

/** The results for all credentials and models, good and bad; closes all connections. */
export async function checkOnline(
  snapshot: Snapshot,
  { clock, env, runtime }: CliIo,
): Promise<readonly Finding[]> {
  const timers = new TimerWheel(clock);
  // Everything of interest is in the findings.
  const logger = createLogger(() => Promise.resolve(), { clock });
  const networks = new ProviderNetworks({ open: runtime.openNetwork, env });
  const credentials = new ProviderCredentials({ clock, logger, networks });
  const upstream = new Upstream({
    clock,
    credentials,
    timers,
    fetch: runtime.fetch,
    openBody: runtime.openBody,
    emulator: { ...EMULATOR_CREDENTIALS, fetch: emulatorFetch(clock) },
    probe: undefined,
    networks,
    userAgent: `adit/${VERSION}`,
  });
  await credentials.use(snapshot.providers);
  try {
    const stsEndpoint = env["AWS_ENDPOINT_URL_STS"] ?? env["AWS_ENDPOINT_URL"];
    const controlEndpoint = env["AWS_ENDPOINT_URL_BEDROCK"] ?? env["AWS_ENDPOINT_URL"];
    return await askOnline(snapshot, {
      upstream,
      fetch: runtime.fetch,
      networks,
      clock,
      timers,
      stsEndpoint,
      controlEndpoint,
    });
  } finally {
    credentials.close();
  }
}
