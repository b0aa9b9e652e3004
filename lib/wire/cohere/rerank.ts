/** Cohere's Rerank: the request, parsed and validated, and the shape of the answer. */

import { invalidField } from "../../base/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../base/json.ts";
import { Fields, unexpected } from "../fields.ts";

/**
 * https://docs.cohere.com/reference/rerank, with the members of its first version, which other services and their
 * clients still use.
 */
export interface RerankRequest {
  readonly model: string;
  readonly query: string;
  readonly documents: readonly RerankDocument[];
  readonly topN: number | undefined;
  readonly maxTokensPerDocument: number | undefined;
  /** Whether the answer repeats the documents. */
  readonly returnDocuments: boolean;
  /** Fields that are set but have no member here. */
  readonly otherFields: readonly string[];
}

export interface RerankDocument {
  /** The text to rank. */
  readonly text: string;
  /** The document as the answer repeats it. */
  readonly value: JsonObject;
}

/** Bedrock's limit. */
const MAX_DOCUMENTS = 1000;

/** Parses a request body; throws `invalid_request` with the path of the first invalid field. */
export function parseRerankRequest(body: JsonObject): RerankRequest {
  const fields = Fields.root(body);
  const rankFields = fields.optionalArray("rank_fields")?.map(String);
  const request = {
    model: fields.string("model"),
    query: fields.string("query"),
    documents: parseDocuments(fields.optionalArray("documents"), rankFields),
    topN: fields.optionalCount("top_n"),
    maxTokensPerDocument: fields.optionalCount("max_tokens_per_doc"),
    returnDocuments: fields.optionalBoolean("return_documents") ?? false,
  };
  if (request.query === "") throw invalidField("query", "must not be empty");
  return { ...request, otherFields: fields.unread().map(([name]) => name) };
}

function parseDocuments(
  documents: readonly JsonValue[] | undefined,
  rankFields: readonly string[] | undefined,
): readonly RerankDocument[] {
  if (documents === undefined) throw unexpected("documents", "an array", undefined);
  if (documents.length === 0) {
    throw invalidField("documents", "the list is empty; send at least one document");
  }
  if (documents.length > MAX_DOCUMENTS) {
    throw invalidField(
      "documents",
      `at most ${MAX_DOCUMENTS} documents are allowed, found ${documents.length}`,
    );
  }
  return documents.map((document, index) => {
    const path = `documents[${index}]`;
    const parsed = parseDocument(document, path, rankFields);
    if (parsed.text === "") throw invalidField(path, "must not be empty");
    return parsed;
  });
}

function parseDocument(
  document: JsonValue,
  path: string,
  rankFields: readonly string[] | undefined,
): RerankDocument {
  if (typeof document === "string") return { text: document, value: { text: document } };
  if (!isJsonObject(document)) throw unexpected(path, "a string or an object", document);
  return { text: textOf(document, rankFields), value: document };
}

/** The fields to rank by, the document's `text`, or else the whole document. */
function textOf(document: JsonObject, rankFields: readonly string[] | undefined): string {
  if (rankFields !== undefined) {
    const lines = rankFields.filter((name) => Object.hasOwn(document, name)).map((name) => {
      const value = document[name];
      return `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
    });
    return lines.join("\n");
  }
  const { text } = document;
  return typeof text === "string" ? text : JSON.stringify(document);
}

/** https://docs.cohere.com/reference/rerank, with Jina's `usage`. */
export interface RerankAnswer {
  readonly id: string;
  readonly model: string;
  /** The most relevant first. */
  readonly results: readonly RerankResult[];
  readonly meta: {
    readonly api_version: { readonly version: string };
    readonly billed_units: { readonly search_units: number };
  };
  readonly usage?: { readonly total_tokens: number };
}

export interface RerankResult {
  /** Position in the request's list. */
  readonly index: number;
  readonly relevance_score: number;
  readonly document?: JsonObject;
}
