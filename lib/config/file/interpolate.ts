/**
 * References to values outside the file: `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`, `${credential:NAME}`.
 */

import { resolve } from "node:path";

import {
  type BytesOrReason,
  readErrorReason,
  readText,
  type RecordingReader,
  type TextOrReason,
} from "./files.ts";
import { quote, quotePath } from "../../base/problems.ts";

export type Reference =
  | { readonly kind: "env"; readonly name: string; readonly fallback: string | undefined }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "credential"; readonly name: string };

/** Alternating literal text and references. */
export type Template = readonly (string | Reference)[];

const ENV = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/;
const FILE = /^file:([^]+)$/;
const CREDENTIAL = /^credential:([A-Za-z0-9_-][A-Za-z0-9._-]*)$/;

function parseReference(body: string): Reference | undefined {
  const [, variable, fallback] = ENV.exec(body) ?? [];
  if (variable !== undefined) return { kind: "env", name: variable, fallback };
  const [, path] = FILE.exec(body) ?? [];
  if (path !== undefined) return { kind: "file", path };
  const [, credential] = CREDENTIAL.exec(body) ?? [];
  if (credential !== undefined) return { kind: "credential", name: credential };
  return undefined;
}

/**
 * Parses a template, in which `$${` is a literal `${`; undefined if a `${` does not begin a valid reference.
 */
export function parseTemplate(text: string): Template | undefined {
  const parts: (string | Reference)[] = [];
  let rest = text;
  while (true) {
    const start = rest.indexOf("${");
    if (start === -1) break;
    if (start > 0 && rest[start - 1] === "$") {
      parts.push(rest.slice(0, start - 1) + "${");
      rest = rest.slice(start + 2);
      continue;
    }
    const end = rest.indexOf("}", start);
    const reference = end === -1 ? undefined : parseReference(rest.slice(start + 2, end));
    if (reference === undefined) return undefined;
    parts.push(rest.slice(0, start), reference);
    rest = rest.slice(end + 1);
  }
  parts.push(rest);
  return parts.filter((part) => part !== "");
}

/** The source of the first reference, without its default: `${env:PORT}`; undefined if there is none. */
export function firstReference(text: string): string | undefined {
  const reference = parseTemplate(text)?.find((part) => typeof part !== "string");
  if (reference === undefined) return undefined;
  if (reference.kind === "file" && quotePath(reference.path) !== quote(reference.path)) return "${file:…}";
  return reference.kind === "file" ? `\${file:${reference.path}}` : `\${${reference.kind}:${reference.name}}`;
}

/** Whether the text consists only of references, without a default that might be a secret. */
export function isAllReferences(text: string): boolean {
  const template = parseTemplate(text) ?? [];
  return template.length > 0 &&
    template.every((part) => typeof part !== "string" && (part.kind !== "env" || !part.fallback));
}

/**
 * Whether the text refers to a file or a credential, which exist to keep secrets out of the configuration.
 */
export function readsSecret(text: string): boolean {
  return parseTemplate(text)?.some((part) => typeof part !== "string" && part.kind !== "env") ?? false;
}

export interface OutsideOptions {
  readonly reader: RecordingReader;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder to which relative paths refer. */
  readonly folder: string;
}

/** Reads files and variables for references and settings. */
export class Outside {
  constructor(private readonly options: OutsideOptions) {}

  async resolveTemplate(template: Template): Promise<TextOrReason> {
    let text = "";
    for (const part of template) {
      const resolved: TextOrReason = typeof part === "string"
        ? { ok: true, text: part }
        : await this.#resolve(part);
      if (!resolved.ok) return resolved;
      text += resolved.text;
    }
    return { ok: true, text };
  }

  /** The bytes of a file; relative paths are resolved against the configuration's folder. */
  async readFile(path: string): Promise<BytesOrReason> {
    const { reader, folder } = this.options;
    try {
      return { ok: true, bytes: await reader.read(resolve(folder, path)) };
    } catch (error) {
      return { ok: false, reason: readErrorReason(error) };
    }
  }

  /** The text of a file; relative paths are resolved against the configuration's folder. */
  readText(path: string): Promise<TextOrReason> {
    const { reader, folder } = this.options;
    return readText(resolve(folder, path), (absolute) => reader.read(absolute));
  }

  async #resolve(reference: Reference): Promise<TextOrReason> {
    switch (reference.kind) {
      case "env":
        return this.#variable(reference.name, reference.fallback);
      case "file":
        return await this.#fileValue(reference.path, `cannot read file ${quotePath(reference.path)}`);
      case "credential":
        return await this.#credential(reference.name);
    }
  }

  /** As in a shell, `:-` also applies to an empty variable. */
  #variable(name: string, fallback: string | undefined): TextOrReason {
    const value = this.options.env[name];
    if (fallback !== undefined && (value === undefined || value === "")) return { ok: true, text: fallback };
    if (value !== undefined) return { ok: true, text: value };
    return {
      ok: false,
      reason: `environment variable ${quote(name)} is not set; set it or use \${env:${name}:-default}`,
    };
  }

  async #credential(name: string): Promise<TextOrReason> {
    const failed = `cannot read credential ${quote(name)}`;
    const folder = this.options.env["CREDENTIALS_DIRECTORY"];
    if (folder === undefined || folder === "") {
      return {
        ok: false,
        reason:
          `${failed}: $CREDENTIALS_DIRECTORY is not set (systemd sets it for units with LoadCredential=${name}:PATH)`,
      };
    }
    return await this.#fileValue(resolve(folder, name), failed);
  }

  /** The file's text without the trailing newline that editors add. */
  async #fileValue(path: string, failed: string): Promise<TextOrReason> {
    const read = await this.readText(path);
    if (!read.ok) return { ok: false, reason: `${failed}: ${read.reason}` };
    return { ok: true, text: read.text.replace(/\r?\n$/, "") };
  }
}
