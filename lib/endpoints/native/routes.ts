/** Where Bedrock's own API is answered: below which prefixes, and what each path below them asks for. */

import { AditError } from "../../base/errors.ts";
import { type Operation, operationRow, OPERATIONS } from "../../providers/bedrock/operations.ts";
import type { CatalogList } from "../catalog.ts";

/** A path that belongs to Bedrock's own API, whether or not there is something at it. */
export interface NativeAddress {
  /** How many segments of the request's path stand before `path`. */
  readonly prefixSegments: number;
  /** The region that the prefix names. */
  readonly region: string | undefined;
  /** As it would be sent to AWS, below the prefix. */
  readonly path: string;
}

/** An operation that a path asks for. */
export type NativeOperation = {
  readonly endpoint: "native";
  readonly operation: Operation;
  readonly address: NativeAddress;
  /** The values in place of the braces of the operation's path, decoded once. */
  readonly values: readonly string[];
};

/** What a path of Bedrock's own API asks for. */
export type NativeMatch = NativeOperation | { readonly endpoint: "catalog"; readonly list: CatalogList };

/** A request to one of the operations, as it was received. */
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

/** Of Bedrock's control plane, the lists that are answered here. */
export const CATALOG_PATHS: Readonly<Record<CatalogList, string>> = {
  foundationModels: "/foundation-models",
  inferenceProfiles: "/inference-profiles",
};

const FIRST_SEGMENTS = new Set(
  [...Object.values(OPERATIONS).map(({ path }) => path), ...Object.values(CATALOG_PATHS)]
    .map((path) => path.split("/")[1]),
);

/** What begins like one of Bedrock's own paths is Bedrock's own at the root, too. */
const AT_ROOT = new RegExp(`^/(?:${[...FIRST_SEGMENTS].join("|")})(?=/|$)`);

/** The address in Bedrock's own API of a path without doubled slashes; undefined where the path is not part of it. */
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
 * A regular expression for paths as they come: decoding them first would break ARNs. The first value is one opaque
 * segment that may hold slashes, raw or encoded, so that the last known suffix ends it.
 */
function patternOf(path: string): RegExp {
  const pattern = path.replace(/\{\w+\}/, "(.+)").replace(/\{\w+\}/g, "([^/]+)");
  return new RegExp(`^${pattern}$`);
}

/** What is asked for. Throws `route_not_found`, `method_not_allowed`, `unsupported` or `invalid_request`. */
export function matchNative(method: string, address: NativeAddress): NativeMatch {
  const rows = ROWS.filter(({ pattern }) => pattern.test(address.path));
  if (rows.length === 0) {
    throw new AditError(
      "route_not_found",
      `Bedrock has no operation ${method} ${address.path.slice(0, 200)} that is served here`,
    );
  }
  const row = rows.find((each) => each.method === method);
  if (row === undefined) {
    const methods = rows.map((each) => each.method);
    throw new AditError("method_not_allowed", `this operation takes ${methods.join(" or ")}, not ${method}`, {
      allow: methods.join(", "),
    });
  }
  const { found, pattern } = row;
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
        "the gateway does not carry InvokeModelWithBidirectionalStream: use ConverseStream, or call AWS directly",
      );
  }
}

function readValues(pattern: RegExp, { path }: NativeAddress): readonly string[] {
  return (pattern.exec(path) ?? []).slice(1).map((text) => {
    const value = decode(text);
    // Whatever resolves such segments on the way would make another operation of this one.
    if (value.split("/").some((segment) => segment === "." || segment === "..")) {
      throw new AditError("invalid_request", 'the path must not have "." or ".." as a segment');
    }
    return value;
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AditError("invalid_request", "the path is not valid percent-encoding");
  }
}
