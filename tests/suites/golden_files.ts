/** The files of one golden case: input beside expected output. */

import assert from "node:assert/strict";

const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

/** Names of the cases in a folder of folders. */
export function caseNames(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
}

/** Reads and compares; `UPDATE_GOLDEN=1` writes what is expected instead of comparing. */
export class GoldenFiles {
  constructor(private readonly folder: URL) {}

  read(file: string): string | undefined {
    try {
      return Deno.readTextFileSync(new URL(file, this.folder));
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
    if (UPDATE) Deno.writeTextFileSync(new URL(file, this.folder), actual);
    assert.equal(actual, this.require(file), file);
  }

  /** Compares as text: the order of members counts. */
  expectJson(file: string, actual: object): void {
    this.expectText(file, `${JSON.stringify(actual, null, 2)}\n`);
  }
}
