/** The repository's own files, and what each TypeScript file imports. */

import { dirname, join } from "node:path/posix";
import { repositoryPath } from "../repository.ts";

/** What git would commit: paths from the repository's root, sorted. */
export async function repositoryFiles(): Promise<readonly string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd: repositoryPath("."),
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot list the files of the repository: ${decoder.decode(stderr)}`);
  const paths = decoder.decode(stdout).split("\0").filter((path) => path !== "");
  return [...new Set(paths)].filter(exists).sort();
}

/** Text of a file given by its path from the repository's root. */
export function readRepositoryFile(path: string): string {
  return Deno.readTextFileSync(repositoryPath(path));
}

/** A deleted file stays in git's list until the deletion is committed. */
function exists(path: string): boolean {
  try {
    return Deno.statSync(repositoryPath(path)).isFile;
  } catch {
    return false;
  }
}

export interface Import {
  /** As it is written: `./bytes.ts`, `node:net`, `zod`. */
  readonly specifier: string;
  /** Path from the repository's root, where the specifier is relative. */
  readonly path: string | undefined;
}

/** Every import of a source text: static, dynamic, of types, and re-exports. */
export function importsOf(path: string, source: string): readonly Import[] {
  const specifiers: string[] = [];
  const add = (node: { source: { value?: unknown } | null }) => {
    if (typeof node.source?.value === "string") specifiers.push(node.source.value);
  };
  const plugin: Deno.lint.Plugin = {
    name: "imports",
    rules: {
      collect: {
        create: () => ({
          ImportDeclaration: add,
          ExportNamedDeclaration: add,
          ExportAllDeclaration: add,
          "ImportExpression > Literal": (node: Deno.lint.StringLiteral) => specifiers.push(node.value),
          "TSImportType Literal": (node: Deno.lint.StringLiteral) => specifiers.push(node.value),
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, path, source);
  return specifiers.map((specifier) => ({
    specifier,
    path: specifier.startsWith(".") ? join(dirname(path), specifier) : undefined,
  }));
}
