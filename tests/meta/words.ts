/** Words and turns of phrase that this repository does not use, each with what to write instead. */

export interface WordRule {
  readonly pattern: RegExp;
  readonly instead: string;
}

export const WORDS: readonly WordRule[] = [
  { pattern: /\bin hand\b/i, instead: "in flight" },
  { pattern: /\bin vain\b/i, instead: "failed" },
  { pattern: /\bbeside\b/i, instead: '"next to", "with" or "in addition to"' },
  {
    pattern:
      /\b(?:right|directly|comes?|written) behind\b|\bbehind (?:the|a) (?:colon|name|quote|slash|value|key)\b/i,
    instead: "after",
  },
  {
    pattern: /\b(?:stands?|stood) (?:for|in|at|there|here|where|above|below|before|behind|on)\b/i,
    instead: "is",
  },
  { pattern: /\btells\b/i, instead: '"reports", "shows" or "says"' },
  { pattern: /\b(?:goes|go) before\b/i, instead: "overrides" },
  { pattern: /\bgives? way\b/i, instead: "is replaced" },
  { pattern: /\bmend(?:s|ed|ing)?\b/i, instead: "fix" },
  { pattern: /\btruth values?\b/i, instead: "boolean" },
  { pattern: /\bwhole numbers?\b/i, instead: "integer" },
  {
    pattern: /\b(?:is|be|expected|found|or) a text\b|\b(?:list|mapping|values) of texts\b/i,
    instead: "string",
  },
  { pattern: /\bbounds\b/i, instead: "limits" },
  {
    pattern: /\bno effect (?:is|are) named\b|\bwithout effect (?:is|are) named\b|\bignored and named\b/i,
    instead: "ignored fields are listed",
  },
  { pattern: /\bwhom AWS/i, instead: "AWS's default credential chain" },
  { pattern: /\bdoubtful configuration/i, instead: "configuration warning" },
  { pattern: /\bin good order\b/i, instead: "gracefully" },
  { pattern: /\b(?:snapshot|pair) of the (?:day|moment)\b/i, instead: "current" },
  { pattern: /\bconfiguration to begin with\b/i, instead: "sample configuration" },
  { pattern: /; left out: /i, instead: "default: " },
  { pattern: /\bleave to (?:use|call)\b/i, instead: "permission to" },
  { pattern: /\b(?:is|are) of the past\b/i, instead: "is deprecated" },
  { pattern: /\bwithout a word\b|\bin silence\b/i, instead: "silently" },
  { pattern: /\banew\b/i, instead: "again" },
  {
    pattern: /\b(?:that|which|it) (?:is|are) no (?!longer|more|substitute|way|need)[a-z]/i,
    instead: '"is not a"',
  },
];
