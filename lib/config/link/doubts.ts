/** Warnings about valid settings that rarely do what their author intended. */

import { foundationModelId } from "../../facts/model_id.ts";
import { foreignGeography, knownStems, needsProfile, stemWithoutProvider } from "../../facts/known_models.ts";
import type { Path } from "../../base/problems.ts";
import type { CallerConfig, Config, ProviderConfig } from "../schema/config_file.ts";
import { REGION } from "../schema/regions.ts";
import { nearest } from "../schema/suggest.ts";
import type { LinkContext } from "./context.ts";

export interface DoubtOptions {
  readonly context: LinkContext;
  readonly nowMs: number;
}

/** Warns about settings of providers, callers, proxies and traces that are probably mistakes. */
export function warnOfDoubts(config: Config, { context, nowMs }: DoubtOptions): void {
  for (const [name, entry] of Object.entries(config.providers)) doubtProvider(name, entry, context);
  for (const [name, entry] of Object.entries(config.callers)) {
    doubtExpiry(name, entry, { context, nowMs });
    doubtSecret(["callers", name, "aws", "secret_access_key"], entry.aws?.secret_access_key, context);
  }
  for (const [index, network] of config.trusted_proxies.entries()) {
    if (network.endsWith("/0")) {
      context.warn(
        ["trusted_proxies", index],
        "every client is trusted, so each can choose the address in the log; list the proxies",
      );
    }
  }
  for (const [name, value] of Object.entries(config.traces?.headers ?? {})) {
    doubtSecret(["traces", "headers", name], value.replace(/^(?:bearer|basic) +/i, ""), context);
  }
}

/** References in the syntax of other programs, and placeholders for secrets in documentation. */
const PLACEHOLDERS: readonly RegExp[] = [
  /^\$\(?[A-Za-z_]\w*\)?$/,
  /^%[A-Za-z_]\w*%$/,
  /^os\.environ\//,
  /^(?:process\.)?env\./,
  /^(?:env|file|credential|secret|vault|ssm|gcp|azure|arn:aws[\w-]*:(?:secretsmanager|ssm)):[^]/,
  // References to password managers and secret stores: op://, sm://, ref+vault://.
  /^[a-z][\w+.-]*:\/\//i,
  /^ENC\[/,
  /\{\{[^]*\}\}|^#\{[^]*\}$|^__\w+__$/,
  /^<[^>]*>$/,
  // A path, which needs "${file:PATH}". A secret that begins with a slash has digits or capitals after it.
  /^@?(?:\/[a-z][a-z.-]*){2,}$/,
  /^(?:your|my)[-_ ]/i,
  /^(?:x{4,}|\*{3,}|\.{3}|change-?me|todo|null|undefined)$/i,
];

/** Credentials that are strings. */
const SECRETS = ["access_key_id", "secret_access_key", "session_token", "api_key"] as const;

function doubtProvider(name: string, entry: ProviderConfig, context: LinkContext): void {
  if (entry.type !== "bedrock") return;
  const path = ["providers", name];
  for (const key of SECRETS) {
    doubtSecret([...path, "credentials", key], entry.credentials?.[key], context);
  }
  if (entry.endpoint !== undefined) {
    doubtEndpoint([...path, "endpoint"], entry.endpoint, { context, region: entry.region });
  }
}

function doubtSecret(path: Path, secret: string | undefined, context: LinkContext): void {
  if (secret !== undefined && PLACEHOLDERS.some((pattern) => pattern.test(secret))) {
    context.warn(path, "this looks like a placeholder; write a reference as ${env:NAME}");
  }
}

interface EndpointOptions {
  readonly context: LinkContext;
  readonly region: string;
}

/** Warns of a host of AWS with another service or another region. */
function doubtEndpoint(path: Path, endpoint: string, { context, region }: EndpointOptions): void {
  const { hostname } = new URL(endpoint);
  const labels = /^(.*)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.exec(hostname)?.[1]?.split(".");
  if (labels === undefined) return;
  const named = labels.find((label) => REGION.test(label));
  if (named !== undefined && named !== region) {
    context.warn(path, `this host is in ${named}, but requests are signed for ${region}`);
  }
  if (!labels.some((label) => label === "bedrock-runtime" || label === "bedrock-runtime-fips")) {
    context.warn(
      path,
      "this is not a host of Bedrock Runtime, such as bedrock-runtime.us-east-1.amazonaws.com",
    );
  }
}

interface ModelIdOptions {
  readonly id: string;
  readonly region: string;
}

/** Warns of an id that Bedrock does not know, or does not serve in the region. */
export function doubtModelId(path: Path, { id, region }: ModelIdOptions, context: LinkContext): void {
  if (id.startsWith("arn:")) return;
  const geography = foreignGeography(id, region);
  if (geography !== undefined) {
    context.warn(path, `a profile of the geography "${geography}" cannot be called from ${region}`);
    return;
  }
  const stems = knownStems(foundationModelId(id));
  const guess = stems && (stemWithoutProvider(id) ?? nearest(stemOf(foundationModelId(id)), stems));
  if (guess !== undefined) {
    context.warn(
      path,
      `unknown model ${context.shown(path, id, [])}; did you mean one that begins with "${guess}"?`,
    );
  } else if (needsProfile(id) && !region.startsWith("us-gov-")) {
    context.warn(
      path,
      `Bedrock serves this model through inference profiles only, such as "${profileOf(region)}.${id}"`,
    );
  }
}

/** The id without version and date: `amazon.nova-light` of `amazon.nova-light-v1:0`. */
function stemOf(id: string): string {
  return id.replace(/(?:-\d{8})?(?:-v\d+)?(?::\d+)?$/, "");
}

function profileOf(region: string): string {
  if (region.startsWith("us-")) return "us";
  return region.startsWith("eu-") ? "eu" : "global";
}

function doubtExpiry(name: string, { expires, key }: CallerConfig, { context, nowMs }: DoubtOptions): void {
  const warn = (path: Path, what: string) =>
    context.warn(path, `${what} has expired, so its requests are refused`);
  if (expires !== undefined && expires <= nowMs) warn(["callers", name, "expires"], "this caller");
  if (!Array.isArray(key)) return;
  for (const [index, each] of key.entries()) {
    if (typeof each !== "string" && each.expires !== undefined && each.expires <= nowMs) {
      warn(["callers", name, "key", index, "expires"], "this key");
    }
  }
}
