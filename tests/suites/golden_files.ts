/** The files of one golden case: its input and the expected output, in one folder. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { jsonText } from "../../lib/base/json_text/json_text.ts";
import { repositoryPath } from "../repository.ts";

/** The folder with all cases. */
export const GOLDEN = pathToFileURL(repositoryPath("tests/golden/"));

const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** The paths below `folder`, such as `tools/tool-choice-auto`, of every folder with the file `input`. */
export function casePaths(folder: URL, input: string): string[] {
  return pathsBelow(folder, input).sort();
}

function pathsBelow(folder: URL, input: string): string[] {
  return [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory).flatMap(({ name }) => {
    const below = new URL(`${name}/`, folder);
    if (existsSync(new URL(input, below))) return [name];
    return pathsBelow(below, input).map((path) => `${name}/${path}`);
  });
}

/** The value after it has been sent as JSON. */
export function asSent<T extends object>(value: T): T {
  return JSON.parse(jsonText(value));
}

/** Reads and compares; `UPDATE_GOLDEN=1` writes the expected files before comparing. */
export class GoldenFiles {
  readonly #folder: URL;

  constructor(folder: URL) {
    this.#folder = folder;
  }

  read(file: string): string | undefined {
    try {
      return Deno.readTextFileSync(new URL(file, this.#folder));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  require(file: string): string {
    const text = this.read(file);
    assert.ok(text !== undefined, `${file} is missing`);
    return text;
  }

  /** The lines of a file that are not empty. */
  lines(file: string): string[] {
    return this.require(file).split("\n").filter((line) => line !== "");
  }

  expectText(file: string, actual: string): void {
    if (UPDATE) Deno.writeTextFileSync(new URL(file, this.#folder), actual);
    assert.equal(actual, this.require(file), file);
  }

  /** Compares as text: the order of members counts. */
  expectJson(file: string, actual: object): void {
    this.expectText(file, `${JSON.stringify(actual, null, 2)}\n`);
  }
}
