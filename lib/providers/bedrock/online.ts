/** Checks with AWS what a file cannot show: who the credentials belong to, and whether the models respond. */

import { callerIdentity } from "../../aws/keys/caller_identity.ts";
import type { KeyPair } from "../../aws/keys/key_pair.ts";
import { reasonOf } from "../../aws/keys/key_pair.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import type { Clock, TimerWheel } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import type { Path } from "../../base/problems.ts";
import type { ModelTarget, Provider, Snapshot } from "../../snapshot/snapshot.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { readJsonAnswer } from "./answer.ts";
import { keyPairOf, searchFor } from "./key_search.ts";
import { leavesSigning, type Upstream } from "../upstream.ts";

/** The result for one entry of the configuration. */
export interface Finding {
  readonly path: Path;
  readonly ok: boolean;
  readonly text: string;
}

export interface OnlineOptions {
  readonly upstream: Upstream;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  /** Default: AWS's own. */
  readonly stsEndpoint: string | undefined;
}

/** STS and the sources of credentials usually respond in a fraction of this. */
const IDENTITY_MS = 20_000;

/** Maximum number of models checked concurrently. */
const AT_ONCE = 8;

/** Checks every provider and model, in configuration order. */
export async function askOnline(snapshot: Snapshot, options: OnlineOptions): Promise<readonly Finding[]> {
  const providers = await Promise.all(
    [...snapshot.providers.values()].map((provider) => askProvider(provider, options)),
  );
  const targets = [...snapshot.models.values()].flatMap((model) => model.targets);
  const findings = [...providers];
  for (let start = 0; start < targets.length; start += AT_ONCE) {
    const group = targets.slice(start, start + AT_ONCE);
    findings.push(...await Promise.all(group.map((target) => askTarget(target, snapshot, options))));
  }
  return findings;
}

async function askProvider(provider: Provider, options: OnlineOptions): Promise<Finding> {
  const path = ["providers", provider.name];
  const giveUp = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const deadline = options.timers.after(IDENTITY_MS, () => {
    giveUp.abort();
    reject(new Error(`no response within ${IDENTITY_MS / 1000} s`));
  });
  try {
    const text = await Promise.race([identityOf(provider, options, giveUp.signal), late]);
    return { path, ok: true, text };
  } catch (error) {
    return { path, ok: false, text: `cannot identify the credentials: ${reasonOf(error)}` };
  } finally {
    deadline.cancel();
  }
}

/** The identity of the provider's credentials, or why it cannot be determined. */
async function identityOf(
  provider: Provider,
  { clock, fetch, stsEndpoint }: OnlineOptions,
  signal: AbortSignal,
): Promise<string> {
  if (provider.kind === "emulator") return "the built-in emulator";
  const { credentials, region } = provider;
  const ask = async (keys: KeyPair) =>
    `signs as ${await callerIdentity(keys, {
      region,
      endpoint: stsEndpoint,
      fetch,
      nowMs: clock.now(),
      signal,
    })}`;
  switch (credentials.kind) {
    case "api_key":
      return "a Bedrock API key, which STS cannot identify";
    case "caller":
      return "signed by its callers";
    case "static":
      return await ask(keyPairOf(credentials));
    case "chain":
    case "profile":
    case "role":
      return await ask(await searchFor(credentials, region)());
  }
}

/** The shortest request that every chat model accepts: about ten input tokens and one output token. */
const QUESTION = {
  messages: [{ role: "user", content: [{ text: "Hi" }] }],
  inferenceConfig: { maxTokens: 1 },
};

/**
 * Whether the model responds to Converse. CountTokens would be free, but few models support it, and it does not prove
 * access.
 */
async function askTarget(
  settings: ModelTarget,
  { timeouts }: Snapshot,
  { upstream }: OnlineOptions,
): Promise<Finding> {
  const { path, provider, id: modelId } = settings;
  if (leavesSigning(provider)) return { path, ok: true, text: "not checked: its callers sign" };
  const exchange = upstream.open({ provider, modelId, settings }, {
    operation: "converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8(JSON.stringify(QUESTION)),
  }, timeouts);
  try {
    await readJsonAnswer(exchange);
    return { path, ok: true, text: "answers" };
  } catch (error) {
    if (hasNoConverse(error)) {
      return {
        path,
        ok: true,
        text: "known to Bedrock, but not checked further: it does not support Converse",
      };
    }
    return { path, ok: false, text: `failed: ${refusalOf(error)}` };
  }
}

/** Whether Bedrock knows the model, such as one for embeddings or images; only this message shows it. */
function hasNoConverse(error: unknown): boolean {
  return error instanceof AditError &&
    /^This action doesn.t support the model/.test(error.details.upstream?.message ?? "");
}

/** AWS's own message if there is one: whoever checks a configuration may read it. */
function refusalOf(error: unknown): string {
  if (!(error instanceof AditError)) return reasonOf(error);
  const { type, message } = error.details.upstream ?? {};
  const words = [type, message].filter((part) => part !== undefined && part !== "").join(": ");
  const { cause } = error.details;
  if (words !== "") return words;
  return cause === undefined ? error.message : `${error.message}: ${reasonOf(cause)}`;
}
