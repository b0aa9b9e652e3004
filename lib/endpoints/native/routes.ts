/** Routes of Bedrock's native API: the prefixes, and the operation of each path below them. */

import { AditError } from "../../base/errors.ts";
import { type Operation, operationRow, OPERATIONS } from "../../providers/bedrock/operations.ts";
import type { CatalogList } from "../catalog.ts";

/** A path in Bedrock's native API, whether or not an operation exists there. */
export interface NativeAddress {
  /** Number of segments of the request's path before `path`. */
  readonly prefixSegments: number;
  /** The region in the prefix. */
  readonly region: string | undefined;
  /** As it would be sent to AWS, without the prefix. */
  readonly path: string;
}

/** The operation of a path. */
export type NativeOperation = {
  readonly endpoint: "native";
  readonly operation: Operation;
  readonly address: NativeAddress;
  /** The path parameters of the operation, decoded once. */
  readonly values: readonly string[];
};

/** What a path in Bedrock's native API refers to. */
export type NativeMatch = NativeOperation | { readonly endpoint: "catalog"; readonly list: CatalogList };

/** A request for one of the operations, as received. */
export interface NativeCall {
  readonly match: NativeOperation;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Cloudflare's addresses, with or without account and gateway, and that of Claude Code's Bedrock mode. */
const PREFIX =
  /^(?:\/bedrock(?=\/)|(?:\/v1\/[^/]+\/[^/]+)?\/aws-bedrock\/bedrock-runtime(?=\/|$)(?:\/([^/]+))?)/;

/** Lists of Bedrock's control plane that are served here. */
export const CATALOG_PATHS: Readonly<Record<CatalogList, string>> = {
  foundationModels: "/foundation-models",
  inferenceProfiles: "/inference-profiles",
};

const FIRST_SEGMENTS = new Set(
  [...Object.values(OPERATIONS).map(({ path }) => path), ...Object.values(CATALOG_PATHS)]
    .map((path) => path.split("/")[1]),
);

/** At the root, only what begins like one of Bedrock's own paths. */
const AT_ROOT = new RegExp(`^/(?:${[...FIRST_SEGMENTS].join("|")})(?=/|$)`);

/**
 * The address of a path without repeated slashes in Bedrock's native API; undefined if it is not part of it.
 */
export function nativeAddress(path: string): NativeAddress | undefined {
  const [prefix, region] = PREFIX.exec(path) ?? [];
  if (prefix !== undefined) {
    return { prefixSegments: prefix.split("/").length - 1, region, path: path.slice(prefix.length) };
  }
  return AT_ROOT.test(path) ? { prefixSegments: 0, region: undefined, path } : undefined;
}

type Found =
  | { readonly kind: "operation"; readonly operation: Operation }
  | { readonly kind: "catalog"; readonly list: CatalogList }
  | { readonly kind: "unsupported" };

interface Row {
  readonly method: string;
  readonly pattern: RegExp;
  readonly found: Found;
}

const BIDIRECTIONAL = "/model/{modelId}/invoke-with-bidirectional-stream";

const ROWS: readonly Row[] = [
  ...(Object.keys(OPERATIONS) as Operation[]).map((operation): Row => {
    const { method, path } = operationRow(operation);
    return { method, pattern: patternOf(path), found: { kind: "operation", operation } };
  }),
  { method: "POST", pattern: patternOf(BIDIRECTIONAL), found: { kind: "unsupported" } },
  { method: "GET", pattern: patternOf(`${BIDIRECTIONAL}-websocket`), found: { kind: "unsupported" } },
  catalogRow("foundationModels"),
  catalogRow("inferenceProfiles"),
];

function catalogRow(list: CatalogList): Row {
  return { method: "GET", pattern: patternOf(CATALOG_PATHS[list]), found: { kind: "catalog", list } };
}

/**
 * A regular expression for paths as received: decoding first would break ARNs. The first parameter is one opaque
 * segment that may contain slashes, raw or encoded, so the last known suffix ends it.
 */
function patternOf(path: string): RegExp {
  const pattern = path.replace(/\{\w+\}/, "(.+)").replace(/\{\w+\}/g, "([^/]+)");
  return new RegExp(`^${pattern}$`);
}

/**
 * The target of a path. Throws `route_not_found`, `method_not_allowed`, `unsupported` or `invalid_request`.
 */
export function matchNative(method: string, address: NativeAddress): NativeMatch {
  for (const row of ROWS) {
    if (row.method === method && row.pattern.test(address.path)) return matchOf(row, address);
  }
  throw refusalOf(method, address);
}

function refusalOf(method: string, address: NativeAddress): AditError {
  const rows = ROWS.filter(({ pattern }) => pattern.test(address.path));
  if (rows.length === 0) {
    return new AditError(
      "route_not_found",
      `unknown Bedrock operation ${method} ${address.path.slice(0, 200)}`,
    );
  }
  const methods = rows.map((each) => each.method);
  return new AditError(
    "method_not_allowed",
    `method ${method} is not allowed on this operation; use ${methods.join(" or ")}`,
    { allow: methods.join(", ") },
  );
}

function matchOf({ found, pattern }: Row, address: NativeAddress): NativeMatch {
  switch (found.kind) {
    case "operation":
      return {
        endpoint: "native",
        operation: found.operation,
        address,
        values: readValues(pattern, address),
      };
    case "catalog":
      return { endpoint: "catalog", list: found.list };
    case "unsupported":
      throw new AditError(
        "unsupported",
        "the gateway does not support InvokeModelWithBidirectionalStream; use ConverseStream, or call AWS directly",
      );
  }
}

function readValues(pattern: RegExp, { path }: NativeAddress): readonly string[] {
  return (pattern.exec(path) ?? []).slice(1).map(readValue);
}

/** A parameter that contains slashes is more than one segment in transit. */
const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;

function readValue(text: string): string {
  const value = decode(text);
  // If such segments were resolved in transit, the path would be that of another operation.
  if (DOT_SEGMENT.test(value)) {
    throw new AditError("invalid_request", 'the path must not contain "." or ".." segments');
  }
  return value;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AditError("invalid_request", "invalid percent-encoding in the path");
  }
}
