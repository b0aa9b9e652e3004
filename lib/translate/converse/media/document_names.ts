/** Document names, which Converse requires, with a restricted alphabet and no duplicates. */

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
const MAX_LENGTH = 200;

/** Assigns the document names of one request. */
export class DocumentNames {
  readonly #taken = new Set<string>();
  /** Number of each name's last copy; counting from 1 each time would be quadratic. */
  readonly #copies = new Map<string, number>();

  /**
   * The name for a file: its own without the extension, as far as Converse allows; ` (2)` etc. make it unique.
   */
  nameFor(filename: string | undefined): string {
    const plain = sanitize(filename ?? "") || "document";
    let copy = this.#copies.get(plain) ?? 1;
    let name = plain;
    while (this.#taken.has(name)) name = `${plain} (${++copy})`;
    this.#copies.set(plain, copy);
    this.#taken.add(name);
    return name;
  }
}

/** Letters, digits, single spaces, hyphens, parentheses and square brackets. */
function sanitize(filename: string): string {
  return filename
    .replace(/^.*[/\\]/s, "")
    .replace(/\.\w{1,5}$/, "")
    .replaceAll(/[^A-Za-z0-9()[\] -]+/g, "-")
    .replaceAll(/ {2,}/g, " ")
    // Leaves room for the number of a copy.
    .slice(0, MAX_LENGTH - 8)
    .replaceAll(/^[ -]+|[ -]+$/g, "");
}
