/** The admin API: lists, creates, changes and deletes entries of the configuration files, with the admin key. */

import { AditError } from "../base/errors.ts";
import { isJsonObject, type JsonObject, parseJsonBody } from "../base/json.ts";
import type {
  ChangeOutcome,
  ConfigEntries,
  Entry,
  EntryChange,
  EntrySection,
} from "../config/edit/entries.ts";
import { formatProblem } from "../base/problems.ts";
import type { AdminApiAccess } from "../snapshot/snapshot.ts";
import { type NamedEntry, readAisix, toAisix } from "./aisix.ts";
import { decodedName, errorAnswer, json, methodNotAllowed, withoutAdminKey } from "./answer.ts";

export interface AdminApiOptions {
  readonly entries: ConfigEntries;
  /** Undefined if the configuration does not enable the API. */
  readonly access: () => AdminApiAccess | undefined;
  /** The request's body, limited in size; throws an AditError. */
  readonly readBody: (request: Request) => Promise<Uint8Array>;
  /** Reloads the changed files; returns the problems that prevented it, if any. */
  readonly reload: () => Promise<readonly string[]>;
  /** The APIs of a model in the running configuration, and how each is served; undefined for an unknown model. */
  readonly apisOf: (model: string) => JsonObject | undefined;
  /** Called after each change. */
  readonly audit: (change: AuditedChange) => void;
}

/** The audit record of a change; it contains no values. */
export interface AuditedChange {
  readonly action: "create" | "change" | "delete";
  readonly section: EntrySection;
  readonly name: string;
  readonly file: string;
  readonly remote: string;
}

/** Answers a request under `/admin/v1/`; undefined for other paths, or if the API is disabled. */
export type AdminApi = (request: AdminApiRequest) => Promise<Response> | undefined;

export interface AdminApiRequest {
  readonly request: Request;
  /** Without the query. */
  readonly path: string;
  readonly remote: string;
  /** Aborts when the client leaves before the answer. */
  readonly clientGone: AbortSignal;
}

/** The collections by our names and AISIX's. */
const COLLECTIONS: ReadonlyMap<string, EntrySection> = new Map<string, EntrySection>([
  ["providers", "providers"],
  ["provider_keys", "providers"],
  ["models", "models"],
  ["callers", "callers"],
  ["apikeys", "callers"],
]);

const PATH = /^\/admin\/v1\/([a-z_]+)(?:\/(.+))?$/;
const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;

/** The routes under `/admin/v1/`, if the configuration enables them. Errors are JSON with a member `error`. */
export function adminApi(options: AdminApiOptions): AdminApi {
  return ({ request, path, remote }) => {
    const access = options.access();
    const [, collection = "", encodedName] = PATH.exec(path) ?? [];
    const section = COLLECTIONS.get(collection);
    if (access === undefined || section === undefined) return undefined;
    return answer({ ...options, request, collection, section, encodedName, remote }, access);
  };
}

interface Call extends AdminApiOptions {
  readonly request: Request;
  readonly collection: string;
  readonly section: EntrySection;
  readonly encodedName: string | undefined;
  readonly remote: string;
}

async function answer(call: Call, access: AdminApiAccess): Promise<Response> {
  const refused = withoutAdminKey(call.request, access);
  if (refused !== undefined) return refused;
  try {
    const methods = call.encodedName === undefined ? COLLECTION_METHODS : ENTRY_METHODS;
    const handle = methods.get(call.request.method);
    return handle === undefined ? methodNotAllowed([...methods.keys()].join(", ")) : await handle(call);
  } catch (error) {
    return errorAnswer(error);
  }
}

type Method = (call: Call) => Promise<Response>;

const COLLECTION_METHODS: ReadonlyMap<string, Method> = new Map([["GET", list], ["HEAD", list], [
  "POST",
  create,
]]);
const ENTRY_METHODS: ReadonlyMap<string, Method> = new Map([
  ["GET", get],
  ["HEAD", get],
  ["PUT", put],
  ["PATCH", patch],
  ["DELETE", remove],
]);

async function list(call: Call): Promise<Response> {
  const { entries, section } = call;
  const listing = await entries.list(section);
  if (!listing.ok) return broken(listing.problems.map(formatProblem));
  const shown = listing.entries.map((entry) => show(call, entry));
  return json(200, { total: shown.length, list: shown });
}

async function get(call: Call): Promise<Response> {
  const { entries, section } = call;
  const name = nameOf(call);
  const listing = await entries.list(section);
  if (!listing.ok) return broken(listing.problems.map(formatProblem));
  const entry = listing.entries.find((each) => each.name === name);
  return entry === undefined
    ? notFound(section, name)
    : json(200, show(call, entry), { etag: etagOf(entry) });
}

async function create(call: Call): Promise<Response> {
  const { name, ignored, ...body } = await readNamedEntry(call);
  if (name === undefined || name === "") throw new AditError("invalid_request", "missing name");
  const expected = (revision: string | undefined) => revision === undefined;
  return await change(call, { name, expected, value: () => body.put({}), limits: body.limits?.put, ignored });
}

async function put(call: Call): Promise<Response> {
  const { ignored, ...body } = await readNamedEntry(call);
  return await change(call, {
    name: nameOf(call),
    expected: precondition(call.request.headers),
    value: (before = {}) => body.put(before),
    limits: body.limits?.put,
    ignored,
  });
}

async function patch(call: Call): Promise<Response> {
  const { ignored, ...body } = await readNamedEntry(call);
  const isExpected = precondition(call.request.headers);
  return await change(call, {
    name: nameOf(call),
    expected: (revision) => revision !== undefined && isExpected(revision),
    value: (before = {}) => body.patch(before),
    limits: body.limits?.patch,
    ignored,
  });
}

async function remove(call: Call): Promise<Response> {
  const isExpected = precondition(call.request.headers);
  return await change(call, {
    name: nameOf(call),
    expected: (revision) => revision !== undefined && isExpected(revision),
    value: () => undefined,
    // Without the model, its rule would match nothing.
    limits: () => undefined,
    ignored: [],
  });
}

/** The entry in a body: in our form if it has a member `entry`, otherwise in AISIX's. */
async function readNamedEntry(call: Call): Promise<NamedEntry> {
  const { request, readBody, section } = call;
  const body = parseJsonBody(await readBody(request), { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES });
  refuseOtherName(body, call);
  const { name, entry, ...rest } = body;
  if (entry === undefined) return readAisix(section, body);
  const unknown = Object.keys(rest).find((member) => !SHOWN_MEMBERS.includes(member));
  if (unknown !== undefined) {
    throw new AditError("invalid_request", `unknown member ${JSON.stringify(unknown)}`);
  }
  if (!isJsonObject(entry)) throw new AditError("invalid_request", "entry: expected an object");
  return {
    name: typeof name === "string" ? name : undefined,
    put: () => entry,
    patch: (before) => mergePatch(before, entry),
    ignored: [],
  };
}

/** Entries cannot be renamed: the name in the body must be the one in the path. */
function refuseOtherName(body: JsonObject, call: Call): void {
  if (call.encodedName === undefined) return;
  const member = body["entry"] === undefined ? "display_name" : "name";
  const name = nameOf(call);
  if ((body[member] ?? name) === name) return;
  const expected = `must be ${JSON.stringify(name)}, the name in the path; entries cannot be renamed`;
  throw new AditError("invalid_request", `${member}: ${expected}`);
}

/** Members of responses that are ignored in requests. */
const SHOWN_MEMBERS: readonly string[] = ["id", "value", "apis", "place", "revision"];

/** Merge patch (RFC 7396): null removes a member. */
function mergePatch(before: JsonObject, changes: JsonObject): JsonObject {
  const members = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(changes)) {
    const old = members.get(key);
    if (value === null) members.delete(key);
    else members.set(key, isJsonObject(value) ? mergePatch(isJsonObject(old) ? old : {}, value) : value);
  }
  return Object.fromEntries(members);
}

interface Wanted extends Omit<EntryChange, "section"> {
  readonly ignored: readonly string[];
}

async function change(call: Call, { ignored, ...wanted }: Wanted): Promise<Response> {
  const { section, entries } = call;
  const { name } = wanted;
  const outcome = await entries.change({ section, ...wanted });
  switch (outcome.kind) {
    case "done":
      return await done(call, outcome, { name, ignored });
    case "unexpected":
      if (call.request.headers.has("if-match") || call.request.headers.has("if-none-match")) {
        return json(412, { error: `${section}.${name} does not match the request's precondition` });
      }
      return outcome.exists
        ? json(409, { error: `${section}.${name} already exists` })
        : notFound(section, name);
    case "broken":
      return broken(outcome.problems.map(formatProblem));
    case "refused":
      return json(outcome.inEntry ? 422 : 409, {
        error: "the change was rejected; nothing was written",
        problems: outcome.problems.map(formatProblem),
      });
    case "nothing to keep":
      return json(422, { error: '"[redacted]" keeps a secret, but the entry has none there' });
    case "forbidden":
      return json(422, {
        error: "the change was rejected; nothing was written",
        problems: [...outcome.reasons],
      });
    case "overtaken":
      return json(409, { error: "the file was changed concurrently; retry" });
    case "unwritable":
      return json(500, { error: outcome.reason });
  }
}

async function done(
  call: Call,
  { before, file, entry }: ChangeOutcome & { readonly kind: "done" },
  { name, ignored }: { readonly name: string; readonly ignored: readonly string[] },
): Promise<Response> {
  const { section, remote } = call;
  const action = entry === undefined ? "delete" : before ? "change" : "create";
  call.audit({ action, section, name, file, remote });
  const problems = await call.reload();
  if (problems.length > 0) {
    return json(500, { error: "the file was changed, but the gateway rejected it", problems });
  }
  if (entry === undefined) return json(200, { id: name, deleted: true });
  const shown = { ...show(call, entry), ...(ignored.length === 0 ? {} : { ignored }) };
  const etag = etagOf(entry);
  if (before) return json(200, shown, { etag });
  const location = `/admin/v1/${call.collection}/${encodeURIComponent(name)}`;
  return json(201, shown, { etag, location });
}

/** The revision that the headers `if-match` and `if-none-match` require. */
function precondition(headers: Headers): EntryChange["expected"] {
  const match = headers.get("if-match");
  if (match !== null) {
    const etags = match.split(",").map((etag) => etag.trim().replace(/^W\//, ""));
    return (revision) => revision !== undefined && (etags.includes("*") || etags.includes(`"${revision}"`));
  }
  const noneMatch = headers.get("if-none-match")?.trim();
  return noneMatch === "*" ? (revision) => revision === undefined : () => true;
}

function nameOf({ encodedName = "" }: Call): string {
  return decodedName(encodedName);
}

/** An entry in our form and AISIX's, with its name; models also have their APIs. */
function show({ section, apisOf }: Call, entry: Entry): JsonObject {
  const { name, value, place, revision } = entry;
  const apis = section === "models" ? apisOf(name) : undefined;
  const aisix = toAisix(section, entry);
  return { id: name, name, entry: value, value: aisix, ...(apis && { apis }), place, revision };
}

function etagOf({ revision }: Entry): string {
  return `"${revision}"`;
}

function notFound(section: EntrySection, name: string): Response {
  return json(404, { error: `${section}.${name} does not exist` });
}

function broken(problems: readonly string[]): Response {
  return json(409, { error: "the configuration files have problems; fix them first", problems });
}
