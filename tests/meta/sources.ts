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
  /** Whether the other module is loaded before this one runs: not by an import of types, nor by `import()`. */
  readonly isLoaded: boolean;
}

/** Every import of a source text: static, dynamic, of types, and re-exports. */
export function importsOf(path: string, source: string): readonly Import[] {
  const found: Omit<Import, "path">[] = [];
  const add = (specifier: unknown, isLoaded: boolean) => {
    if (typeof specifier === "string") found.push({ specifier, isLoaded });
  };
  const plugin: Deno.lint.Plugin = {
    name: "imports",
    rules: {
      collect: {
        create: () => ({
          ImportDeclaration: ({ source, importKind, specifiers }: Deno.lint.ImportDeclaration) =>
            add(
              source.value,
              importKind !== "type" && (specifiers.length === 0 || specifiers.some((each) =>
                each.type !== "ImportSpecifier" || each.importKind !== "type"
              )),
            ),
          ExportNamedDeclaration: ({ source, exportKind }: Deno.lint.ExportNamedDeclaration) =>
            add(source?.value, exportKind !== "type"),
          ExportAllDeclaration: ({ source, exportKind }: Deno.lint.ExportAllDeclaration) =>
            add(source.value, exportKind !== "type"),
          "ImportExpression > Literal": ({ value }: Deno.lint.StringLiteral) => add(value, false),
          "TSImportType Literal": ({ value }: Deno.lint.StringLiteral) => add(value, false),
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, path, source);
  return found.map(({ specifier, isLoaded }) => ({
    specifier,
    isLoaded,
    path: specifier.startsWith(".") ? join(dirname(path), specifier) : undefined,
  }));
}
