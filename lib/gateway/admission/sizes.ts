/** Estimates the tokens of requests, before they are sent and if they break off, and learns from complete ones. */

import type { AditError } from "../../base/errors.ts";
import type { Spent, Usage } from "../../base/usage.ts";
import type { Plan } from "../../snapshot/plan.ts";
import type { Dialect } from "../dialect.ts";
import type { Asked, RequestSize, TokenEstimate } from "./asked.ts";
import type { Ending, Running } from "./ending.ts";
import { Histogram } from "./histogram.ts";

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The initial value of a ratio, and its limits. */
interface Ratio {
  readonly start: number;
  readonly min: number;
  readonly max: number;
}

/** Bytes of text per token of a prompt. */
const TEXT: Ratio = { start: 3.5, min: 2, max: 6 };
/** Bytes of body per token of a response, including its framing. */
const WIRE: Ratio = { start: 40, min: 2, max: 1000 };
/** Weight of the newest sample in a ratio. */
const WEIGHT = 0.1;

const IMAGE_TOKENS = 1600;
const DOCUMENT_BYTES_PER_TOKEN = 6;
/** The longest response of a model whose maximum is unknown. */
const UNKNOWN_MAX_OUTPUT = 8192;
/** Upper bound for the length of a response, whatever its request allows. */
const MAX_OUTPUT = 10_000_000;
/** The typical response of a model with too few samples. */
const UNKNOWN_TYPICAL_OUTPUT = 1024;
/** Tolerance above the 95th percentile. */
const MARGIN = 1.5;

/** Everything learned about one model. */
interface Learned {
  textRatio: number;
  /** By dialect. A stream has many times the bytes of a whole response, as each of its pieces is framed. */
  readonly wholeRatios: Map<Dialect, number>;
  readonly streamRatios: Map<Dialect, number>;
  readonly outputs: Histogram;
}

/** One per thread. Models are known by their configured names; all other model ids share one entry. */
export class Sizes {
  readonly #learned = new Map<string, Learned>();

  /** Estimates the tokens that a request of this size will need. */
  readonly estimate = (plan: Plan, size: RequestSize): TokenEstimate => {
    const { textRatio, outputs } = this.#of(plan);
    const [{ settings }] = plan.targets;
    const limit = settings?.traits.maxOutputTokens ?? UNKNOWN_MAX_OUTPUT;
    const maxOutputTokens = size.maxOutputTokens === undefined
      ? settings?.defaults.maxTokens ?? limit
      // A client may send any number; what is held has to be an integer that can be added up.
      : Math.min(Math.ceil(size.maxOutputTokens), MAX_OUTPUT);
    const percentile = outputs.percentile95();
    const typical = percentile === undefined ? UNKNOWN_TYPICAL_OUTPUT : Math.ceil(percentile * MARGIN);
    return {
      inputTokens: Math.ceil(
        size.textBytes / textRatio + size.images * IMAGE_TOKENS +
          size.documentBytes / DOCUMENT_BYTES_PER_TOKEN,
      ),
      maxOutputTokens,
      typicalOutputTokens: Math.min(typical, maxOutputTokens),
    };
  };

  /** What a request has used: the reported usage, or an estimate if its response broke off. */
  settle(asked: Asked, ending: Ending): Spent {
    if (asked.parts.counts !== "tokens") return { usage: unitsOnly(ending.usage), estimated: false };
    const { usage = NOTHING, error, drained = false, accepted, brokenAttempts } = ending;
    const hasBroken = brokenAttempts > 0;
    if (!accepted) return { usage: asked.withPrompts(NOTHING, brokenAttempts), estimated: hasBroken };
    // A reranker reports no tokens, so they are estimated for token limits.
    const counted = usage.outputTokens + promptTokens(usage) + (usage.images ?? 0) +
      // A prompt that a guardrail has blocked uses no tokens, and none are estimated.
      (usage.guardrail === undefined ? 0 : 1);
    const isRead = error === undefined || drained;
    // A whole response has reported all of its usage, even if its client leaves while it is sent.
    if ((isRead || !ending.isStream) && counted > 0) {
      if (isRead) this.#learn(asked, usage, ending);
      return { usage: asked.withPrompts(usage, brokenAttempts), estimated: hasBroken };
    }
    return { usage: asked.withPrompts(this.#estimateBroken(asked, ending), brokenAttempts), estimated: true };
  }

  /** What a running stream has used so far: the reported usage, or an estimate from the bytes that were sent. */
  running(asked: Asked, running: Running): Spent {
    return { usage: estimatedUsage(asked, running.usage, this.#sentTokens(asked, running)), estimated: true };
  }

  #estimateBroken(asked: Asked, ending: Ending): Usage {
    const sent = this.#sentTokens(asked, ending);
    const typical = asked.estimate.typicalOutputTokens;
    return estimatedUsage(asked, ending.usage, likelyOutput(ending.error, { sent, typical }));
  }

  #sentTokens({ parts: { plan } }: Asked, running: Running): number {
    return Math.ceil(running.sentBytes / wireRatio(this.#of(plan), running));
  }

  #learn({ parts: { plan }, size }: Asked, usage: Usage, ending: Ending): void {
    const { dialect, sentBytes } = ending;
    const learned = this.#of(plan);
    const { outputTokens } = usage;
    const prompt = promptTokens(usage);
    learned.outputs.add(outputTokens);
    if (sentBytes > 0 && outputTokens > 0) {
      const sample = sentBytes / outputTokens;
      ratiosOf(learned, ending).set(dialect, moved(wireRatio(learned, ending), sample, WIRE));
    }
    const isText = size !== undefined && size.images === 0 && size.documentBytes === 0 && size.textBytes > 0;
    if (isText && prompt > 0) learned.textRatio = moved(learned.textRatio, size.textBytes / prompt, TEXT);
  }

  #of({ name, targets: [{ settings }] }: Plan): Learned {
    // Model ids that clients choose would make the map grow without limit.
    const key = settings === undefined ? "" : name;
    let learned = this.#learned.get(key);
    if (learned === undefined) {
      learned = {
        textRatio: TEXT.start,
        wholeRatios: new Map(),
        streamRatios: new Map(),
        outputs: new Histogram(),
      };
      this.#learned.set(key, learned);
    }
    return learned;
  }
}

/** The reported usage, with estimates for what is missing. */
function estimatedUsage({ estimate }: Asked, usage: Usage = NOTHING, outputTokens: number): Usage {
  return {
    ...usage,
    inputTokens: promptTokens(usage) > 0 ? usage.inputTokens : estimate.inputTokens,
    outputTokens: Math.max(usage.outputTokens, outputTokens),
  };
}

/** The usage of a request that runs no model. */
function unitsOnly(usage: Usage | undefined): Usage {
  return usage?.guardrail === undefined ? NOTHING : { ...NOTHING, guardrail: usage.guardrail };
}

function likelyOutput(
  error: AditError | undefined,
  { sent, typical }: { readonly sent: number; readonly typical: number },
): number {
  // A complete response without token counts may be an image, whose bytes are not text.
  if (error === undefined) return Math.min(sent, typical);
  // Bedrock may finish, and bill, a response that its client no longer reads.
  return error.kind === "client_gone" ? Math.max(sent, typical) : sent;
}

function wireRatio(learned: Learned, running: Running): number {
  return ratiosOf(learned, running).get(running.dialect) ?? WIRE.start;
}

function ratiosOf({ wholeRatios, streamRatios }: Learned, { isStream }: Running): Map<Dialect, number> {
  return isStream ? streamRatios : wholeRatios;
}

function moved(known: number, sample: number, { min, max }: Ratio): number {
  return known + WEIGHT * (Math.min(max, Math.max(min, sample)) - known);
}

function promptTokens({ inputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens;
}
