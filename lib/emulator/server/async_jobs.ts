/** Asynchronous invocations: in memory, limited in number, and completed on the second status request. */

import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/hash.ts";
import type { JsonValue } from "../../base/json.ts";
import { parseShape } from "../converse/issues.ts";
import { BedrockException, invalid } from "./exception.ts";

/** The account of the emulated resources. */
const ACCOUNT = "000000000000";

/** Beyond this number, the oldest are dropped. */
const MAX_JOBS = 1000;

const MAX_PAGE = 1000;

interface Job {
  readonly invocationArn: string;
  readonly modelArn: string;
  readonly clientRequestToken: string | undefined;
  readonly outputDataConfig: object;
  /** Of the request, which another one with the same token must equal. */
  readonly fingerprint: string;
  readonly submitMs: number;
  readonly region: string;
  /** How often its status was requested. */
  statusRequests: number;
}

const startRequest = z.strictObject({
  clientRequestToken: z.string().min(1).max(256).regex(/^[!-~]*$/).optional(),
  modelId: z.string().min(1).max(256).regex(/^[a-zA-Z_.\-/0-9:]+$/),
  modelInput: z.json(),
  outputDataConfig: z.strictObject({
    s3OutputDataConfig: z.strictObject({
      s3Uri: z.string().min(1).max(1024).regex(/^s3:\/\/[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](?:\/.*)?$/),
      kmsKeyId: z.string().optional(),
      bucketOwner: z.string().regex(/^\d{12}$/).optional(),
    }),
  }),
  tags: z.array(z.strictObject({ key: z.string().min(1).max(128), value: z.string().max(256) })).max(200)
    .optional(),
});

/** The jobs of one emulator; it remembers the latest 1000. */
export class AsyncJobs {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();
  #started = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Accepts any model; a repeated client token returns the job that it started. */
  start(body: JsonValue | undefined, region: string): object {
    const request = parseShape(startRequest, body ?? {});
    const fingerprint = sha256Hex(JSON.stringify(request));
    const { modelId, clientRequestToken, outputDataConfig } = request;
    const known = clientRequestToken === undefined
      ? undefined
      : [...this.#jobs.values()].find((job) => job.clientRequestToken === clientRequestToken);
    if (known !== undefined) {
      if (known.fingerprint === fingerprint) return { invocationArn: known.invocationArn };
      throw new BedrockException(
        "ConflictException",
        "The client token was used before with other parameters.",
      );
    }
    const id = sha256Hex(`job ${this.#started++}`).slice(0, 12);
    const invocationArn = `arn:aws:bedrock:${region}:${ACCOUNT}:async-invoke/${id}`;
    this.#jobs.set(invocationArn, {
      invocationArn,
      modelArn: modelId.startsWith("arn:")
        ? modelId
        : `arn:aws:bedrock:${region}::foundation-model/${modelId}`,
      clientRequestToken,
      outputDataConfig,
      fingerprint,
      submitMs: this.#clock.now(),
      region,
      statusRequests: 0,
    });
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > MAX_JOBS && oldest !== undefined) this.#jobs.delete(oldest);
    return { invocationArn };
  }

  /** The status of a job: in progress at the first request, completed from then on. */
  get(invocationArn: string): object {
    const job = this.#jobs.get(invocationArn);
    if (job === undefined) {
      throw new BedrockException("ResourceNotFoundException", "The async invocation was not found.");
    }
    job.statusRequests++;
    return this.#summary(job);
  }

  /** One page of the jobs in a region. */
  list(query: URLSearchParams, region: string): object {
    const status = query.get("statusEquals");
    const size = readPageSize(query.get("maxResults"));
    const from = readToken(query.get("nextToken"));
    const after = readTime(query.get("submitTimeAfter")) ?? -Infinity;
    const before = readTime(query.get("submitTimeBefore")) ?? Infinity;
    const jobs = [...this.#jobs.values()].filter((job) =>
      job.region === region && job.submitMs > after && job.submitMs < before &&
      (status === null || statusOf(job) === status)
    );
    // The service lists the newest first.
    if (query.get("sortOrder") !== "Ascending") jobs.reverse();
    return {
      asyncInvokeSummaries: jobs.slice(from, from + size).map((job) => this.#summary(job)),
      ...(jobs.length > from + size && { nextToken: tokenOf(from + size) }),
    };
  }

  #summary(job: Job): object {
    const { invocationArn, modelArn, clientRequestToken, outputDataConfig, submitMs } = job;
    const submitTime = new Date(submitMs).toISOString();
    const status = statusOf(job);
    return {
      invocationArn,
      modelArn,
      ...(clientRequestToken !== undefined && { clientRequestToken }),
      outputDataConfig,
      status,
      submitTime,
      lastModifiedTime: submitTime,
      ...(status === "Completed" && { endTime: submitTime }),
    };
  }
}

function statusOf({ statusRequests }: Job): "Completed" | "InProgress" {
  return statusRequests > 1 ? "Completed" : "InProgress";
}

function readPageSize(text: string | null): number {
  if (text === null) return MAX_PAGE;
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MAX_PAGE) throw invalid("maxResults must be a number from 1 to 1000");
  return size;
}

/** It has every kind of character that a query must encode, like the service's own tokens. */
function tokenOf(position: number): string {
  return `page+/= &${position}`;
}

function readToken(text: string | null): number {
  if (text === null) return 0;
  const [, position] = /^page\+\/= &(\d{1,6})$/.exec(text) ?? [];
  if (position === undefined) throw invalid("The nextToken is not valid.");
  return Number(position);
}

function readTime(text: string | null): number | undefined {
  if (text === null) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid("The time is not valid.");
  return time;
}
