/** Converse's document formats, detected from media types, file names and first bytes. */

interface DocumentClues {
  /** In lower case. */
  readonly mediaType: string;
  readonly filename: string | undefined;
  readonly base64: string;
}

/**
 * The format by media type, or by the file's extension if the type is not specific; other text is `txt`. Undefined for
 * any other file.
 */
export function documentFormat({ mediaType, filename, base64 }: DocumentClues): string | undefined {
  const extension = /\.(\w+)$/.exec(filename ?? "")?.[1]?.toLowerCase() ?? "";
  if (base64.startsWith("JVBERi0")) return "pdf";
  return DOCUMENT_TYPES.get(mediaType) ?? DOCUMENT_EXTENSIONS.get(extension) ??
    (isTextType(mediaType) || TEXT_EXTENSIONS.has(extension) ? "txt" : undefined);
}

const DOCUMENT_TYPES: ReadonlyMap<string, string> = new Map([
  ["application/pdf", "pdf"],
  ["text/csv", "csv"],
  ["application/csv", "csv"],
  ["application/msword", "doc"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["text/html", "html"],
  ["application/xhtml+xml", "html"],
  ["text/markdown", "md"],
  ["text/x-markdown", "md"],
]);

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html */
const DOCUMENT_EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["pdf", "pdf"],
  ["csv", "csv"],
  ["doc", "doc"],
  ["docx", "docx"],
  ["xls", "xls"],
  ["xlsx", "xlsx"],
  ["html", "html"],
  ["htm", "html"],
  ["txt", "txt"],
  ["md", "md"],
  ["markdown", "md"],
]);

/** The formats of Converse, each once. */
export const DOCUMENT_FORMATS: readonly string[] = [...new Set(DOCUMENT_EXTENSIONS.values())];

/**
 * Whether the media type is textual, such as `text/x-python`, `application/yaml` or `application/atom+xml`.
 */
function isTextType(mediaType: string): boolean {
  const [kind, subtype = ""] = mediaType.split("/");
  if (kind === "text") return true;
  return kind === "application" &&
    (/\+(?:json|xml|yaml)$/.test(subtype) || TEXT_SUBTYPES.has(subtype.replace(/^x-/, "")));
}

/** Subtypes of `application/`, without their `x-`. */
const TEXT_SUBTYPES: ReadonlySet<string> = new Set(
  ("ecmascript graphql httpd-php java javascript json json5 jsonlines kotlin latex ndjson perl php python " +
    "ruby rtf sh shellscript sql srt subrip swift terraform tex toml typescript xml yaml yml csh").split(" "),
);

/** Extensions of text files. */
const TEXT_EXTENSIONS: ReadonlySet<string> = new Set(
  ("adoc asc asm astro avsc bash bat bib c cc cfg clj cljs cmake cmd coffee conf cpp cs cshtml css cue cxx dart diff " +
    "dockerfile ejs elm env erl ex exs f90 fish fs fsx gitignore go gql gradle graphql groovy h haml hbs hcl hpp hs hxx " +
    "ics ini ipynb java jl js json json5 jsonc jsonl jsx kt kts less lisp log lua m4 mdx mjs cjs mk ml mli mm mts cts " +
    "ndjson nix org patch php pl plist pm po postcss properties proto ps1 psql pug py pyi pyx r rb rego rs rst rtf sass " +
    "sbt scala scm scss sh sol sql srt sty svelte svg swift tcl tex tf tfvars thrift toml ts tsv tsx v vb vhdl vim vtt " +
    "vue wat xhtml xml xsd xsl yaml yml zig zsh").split(" "),
);
