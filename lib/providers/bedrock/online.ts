/** Asks AWS what no check of a file can know: whose the credentials are, and whether the models answer. */

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

/** What AWS said of an entry of the configuration. */
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
  /** In place of AWS's own. */
  readonly stsEndpoint: string | undefined;
}

/** STS answers within a fraction of this, and so do the sources of credentials. */
const IDENTITY_MS = 20_000;

/** Models that are asked at the same time. */
const AT_ONCE = 8;

/** Asks about every provider and model, in the order of the configuration. */
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
    reject(new Error(`no answer within ${IDENTITY_MS / 1000} s`));
  });
  try {
    const text = await Promise.race([identityOf(provider, options, giveUp.signal), late]);
    return { path, ok: true, text };
  } catch (error) {
    return { path, ok: false, text: `cannot tell whose the credentials are: ${reasonOf(error)}` };
  } finally {
    deadline.cancel();
  }
}

/** Whose credentials the provider's are, or why nobody can be asked. */
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
      return "a Bedrock API key, of which STS cannot tell whose it is";
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

/** The shortest question that every model for conversations can answer: about ten tokens in, one out. */
const QUESTION = {
  messages: [{ role: "user", content: [{ text: "Hi" }] }],
  inferenceConfig: { maxTokens: 1 },
};

/** Whether the model answers Converse. CountTokens would cost nothing, but few models have it, and it proves no access. */
async function askTarget(
  settings: ModelTarget,
  { timeouts }: Snapshot,
  { upstream }: OnlineOptions,
): Promise<Finding> {
  const { path, provider, id: modelId } = settings;
  if (leavesSigning(provider)) return { path, ok: true, text: "not asked: its callers sign" };
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
      return { path, ok: true, text: "known to Bedrock, but not asked further: it has no Converse" };
    }
    return { path, ok: false, text: `does not answer: ${refusalOf(error)}` };
  }
}

/** Whether Bedrock knows the model, as one for embeddings or images; nothing tells of it but these words. */
function hasNoConverse(error: unknown): boolean {
  return error instanceof AditError &&
    /^This action doesn.t support the model/.test(error.details.upstream?.message ?? "");
}

/** AWS's own words where there are any: whoever checks a configuration may read them. */
function refusalOf(error: unknown): string {
  if (!(error instanceof AditError)) return reasonOf(error);
  const { type, message } = error.details.upstream ?? {};
  const words = [type, message].filter((part) => part !== undefined && part !== "").join(": ");
  const { cause } = error.details;
  if (words !== "") return words;
  return cause === undefined ? error.message : `${error.message}: ${reasonOf(cause)}`;
}
