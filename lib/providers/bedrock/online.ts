/** Checks with AWS what a file cannot show: whose credentials they are, and whether the models respond. */

import { callerIdentity } from "../../aws/keys/caller_identity.ts";
import type { KeyPair } from "../../aws/keys/key_pair.ts";
import { reasonOf } from "../../aws/keys/key_pair.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import type { Clock, TimerWheel } from "../../base/clock.ts";
import { AditError } from "../../base/errors.ts";
import type { Path } from "../../base/problems.ts";
import type { Provider } from "../../snapshot/provider.ts";
import type { ModelTarget, Snapshot } from "../../snapshot/snapshot.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { readJsonAnswer } from "./answer.ts";
import { CHECK, keyPairOf, searchFor } from "./key_search.ts";
import type { ProviderNetworks } from "../transport/networks.ts";
import { endOfLifeWarning } from "./lifecycle.ts";
import { isSignedByCaller, type Upstream } from "../upstream.ts";

/** The result for one entry of the configuration. */
export interface Finding {
  readonly path: Path;
  readonly kind: "answer" | "warning" | "problem";
  readonly text: string;
}

export interface OnlineOptions {
  readonly upstream: Upstream;
  readonly fetch: Fetch;
  readonly networks: ProviderNetworks;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  /** Default: AWS's own. */
  readonly stsEndpoint: string | undefined;
  /** The control plane; default: AWS's own, for providers without `endpoint`. */
  readonly controlEndpoint: string | undefined;
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
  const all = [...snapshot.models.values()].flatMap((model) => model.targets);
  // A model may use the targets of another, which need not be asked again.
  const targets = [...new Map(all.map((target) => [JSON.stringify(target.path), target])).values()];
  const findings = [...providers];
  for (let start = 0; start < targets.length; start += AT_ONCE) {
    const group = targets.slice(start, start + AT_ONCE);
    const answers = await Promise.all(group.map((target) => askAbout(target, snapshot, options)));
    findings.push(...answers.flat());
  }
  return findings;
}

const NO_CREDENTIALS = "failed: the provider has no credentials";

/** Whether the model responds, and whether it is near its end of life; the latter only with credentials. */
async function askAbout(
  target: ModelTarget,
  snapshot: Snapshot,
  options: OnlineOptions,
): Promise<readonly Finding[]> {
  const [answer, lifecycle] = await Promise.all([
    askTarget(target, snapshot, options),
    askLifecycle(target, options),
  ]);
  return answer.text === NO_CREDENTIALS ? [answer] : [answer, ...lifecycle];
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
    return { path, kind: "answer", text };
  } catch (error) {
    return { path, kind: "problem", text: `cannot identify the credentials: ${reasonOf(error)}` };
  } finally {
    deadline.cancel();
  }
}

/** The identity of the provider's credentials, or why it cannot be determined. */
async function identityOf(
  provider: Provider,
  { clock, fetch, networks, stsEndpoint }: OnlineOptions,
  signal: AbortSignal,
): Promise<string> {
  if (provider.kind === "emulator") return "the built-in emulator";
  const { credentials, region } = provider;
  const own = networks.of(provider)?.fetch;
  const ask = async (keys: KeyPair) =>
    `signs as ${await callerIdentity(keys, {
      region,
      endpoint: stsEndpoint,
      fetch: own ?? fetch,
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
      return await ask(await searchFor(credentials, { region, fetch: own })());
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
  if (isSignedByCaller(provider)) {
    return { path, kind: "answer", text: "not checked: callers sign the requests" };
  }
  const exchange = upstream.open({ provider, modelId, settings, subject: CHECK }, {
    operation: "converse",
    headers: new Headers({ "content-type": "application/json" }),
    body: encodeUtf8(JSON.stringify(QUESTION)),
  }, timeouts);
  try {
    await readJsonAnswer(exchange);
    return { path, kind: "answer", text: "answers" };
  } catch (error) {
    if (hasNoConverse(error)) {
      return {
        path,
        kind: "answer",
        text: "known to Bedrock, but not checked further: it does not support Converse",
      };
    }
    // The finding about the provider has the reason.
    const text = hasNoCredentials(error) ? NO_CREDENTIALS : `failed: ${refusalOf(error)}`;
    return { path, kind: "problem", text };
  }
}

/**
 * A warning if the model is near its end of life. If Bedrock does not say, that is not a problem: it needs a
 * permission.
 */
async function askLifecycle(target: ModelTarget, options: OnlineOptions): Promise<readonly Finding[]> {
  const { clock, controlEndpoint: endpoint, fetch, networks, timers } = options;
  const giveUp = new AbortController();
  const deadline = timers.after(IDENTITY_MS, () => giveUp.abort(new Error("no response in time")));
  try {
    const own = networks.of(target.provider)?.fetch;
    const text = await endOfLifeWarning(target, {
      fetch: own ?? fetch,
      searchFetch: own,
      endpoint,
      nowMs: clock.now(),
      signal: giveUp.signal,
    });
    return text === undefined ? [] : [{ path: target.path, kind: "warning", text }];
  } catch (error) {
    return [{
      path: target.path,
      kind: "answer",
      text: `its end of life was not checked: ${reasonOf(error)}`,
    }];
  } finally {
    deadline.cancel();
  }
}

/**
 * Whether Bedrock knows the model but does not offer Converse for it, as for embeddings; only this message shows it.
 */
function hasNoConverse(error: unknown): boolean {
  return error instanceof AditError &&
    /^This action doesn.t support the model/.test(error.details.upstream?.message ?? "");
}

/** Whether none were found; if AWS rejected some, there is an answer from AWS. */
function hasNoCredentials(error: unknown): boolean {
  return error instanceof AditError && error.kind === "upstream_credentials" &&
    error.details.upstream === undefined;
}

/** AWS's own message if there is one: the operator may read it. */
function refusalOf(error: unknown): string {
  if (!(error instanceof AditError)) return reasonOf(error);
  const { type, message } = error.details.upstream ?? {};
  const words = [type, message].filter((part) => part !== undefined && part !== "").join(": ");
  const { cause } = error.details;
  if (words !== "") return words;
  return cause === undefined ? error.message : `${error.message}: ${reasonOf(cause)}`;
}
