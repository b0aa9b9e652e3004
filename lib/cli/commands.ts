/** Every command with its arguments and options. Help, parsing, completions and the man page all come from here. */

export interface Option {
  readonly name: string;
  /** One letter, for `-c`. */
  readonly short?: string;
  /** Placeholder of its value, such as FILE in `--config FILE`; undefined for a flag. */
  readonly value?: string;
  /** The allowed values. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface Argument {
  readonly name: string;
  readonly isOptional?: boolean;
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface CommandRow {
  /** Shown in the list of commands. */
  readonly summary: string;
  readonly about: string;
  readonly arguments: readonly Argument[];
  readonly options: readonly Option[];
  /** Shown below the options. */
  readonly notes?: string;
}

const CONFIG = {
  name: "config",
  short: "c",
  value: "FILE",
  help: "the configuration; default: $ADIT_CONFIG, then config/adit.yaml, then /etc/adit/adit.yaml",
} as const;

/** For commands that only read the configuration. */
const READ_CONFIG = { ...CONFIG, help: `${CONFIG.help}; - is standard input` } as const;

const ADMIN = {
  name: "admin",
  value: "ADDRESS",
  help: "the admin address of the gateway: HOST:PORT, a URL, or unix:PATH",
} as const;

const SHELLS = ["bash", "zsh", "fish"] as const;

export const COMMANDS = {
  serve: {
    summary: "run the gateway",
    about: "Run the gateway.",
    arguments: [],
    options: [CONFIG],
    notes:
      `The log is written to standard output as JSON lines. The configuration is reloaded when the file changes, on
SIGHUP, and on POST /-/reload to the admin listener. SIGTERM and SIGINT stop accepting connections and let
in-flight requests finish within timeouts.drain; a second signal, at least a second later, exits immediately.
The exit code is 78 if the configuration is invalid, and 1 if an address cannot be opened.`,
  },
  reload: {
    summary: "reload the configuration of the running gateway",
    about: "Reload the configuration of the running gateway, and print the problems in it.",
    arguments: [],
    options: [
      ADMIN,
      CONFIG,
      {
        name: "pid",
        value: "PID",
        help:
          "send SIGHUP to this process if the admin address cannot be used: it is off, or the key is missing",
      },
    ],
    notes:
      `Without --admin, the address is read from $RUNTIME_DIRECTORY/admin, which the running gateway writes (as a service,
/run/adit/admin, which root can read), or else from the key "admin" of the configuration, even if other parts of
it are invalid. An admin address that other hosts can reach needs its key in ADIT_ADMIN_KEY. The exit code is 1 if
the configuration is rejected or the gateway cannot be reached; after a signal it is 0, and the log has the result.`,
  },
  top: {
    summary: "show what the running gateway is doing",
    about:
      "Show what the running gateway is doing: rates, in-flight requests, errors and targets, every second.",
    arguments: [],
    options: [
      ADMIN,
      CONFIG,
      { name: "once", help: "print the state once and exit; the default if the output is not a terminal" },
    ],
    notes:
      `The gateway is found in the same way as by "adit reload". If admin_api is set, ADIT_ADMIN_KEY must be its key.
Models, callers and errors cover the last five minutes. Press q or Ctrl-C to quit.`,
  },
  check: {
    summary: "check a configuration without starting the gateway",
    about: "Check a configuration without starting the gateway.",
    arguments: [{ name: "FILE", isOptional: true, help: "the same as --config FILE" }],
    options: [
      READ_CONFIG,
      {
        name: "format",
        value: "FORMAT",
        choices: ["text", "json"],
        help: "text, or the problems as a JSON list of {file, line, column, path, message, severity}",
      },
      {
        name: "online",
        help:
          "also check with AWS: who the credentials belong to (STS GetCallerIdentity), whether each model " +
          "responds to a Converse request of about ten input tokens and one output token, which AWS bills, and " +
          "whether it is near its end of life (GetFoundationModel)",
      },
    ],
    notes:
      `All problems are reported in one run, as FILE:LINE:COLUMN: KEY: MESSAGE. The exit code is 0 if there are none;
warnings do not change it. References such as \${env:NAME} are resolved as by "adit serve".`,
  },
  explain: {
    summary: "explain how a request for a model would be routed, and why",
    about: "Explain how a request for a model would be routed, and why; nothing is sent.",
    arguments: [{ name: "MODEL", help: "the name of a model or, with --caller, a model id or ARN" }],
    options: [
      {
        name: "caller",
        value: "NAME",
        help: "a caller in the configuration; default: any caller that may use the model",
      },
      {
        name: "simulate",
        value: "FAILURES",
        help:
          "also simulate 10,000 requests while targets fail: TARGET=fail, TARGET=throttle or TARGET=slow:MS, " +
          "separated by commas",
      },
      READ_CONFIG,
    ],
    notes:
      `If the admin address is a loopback address without TLS, the running gateway is asked for the state of the targets,
for what it has learned about models, and for what is left of limits and budgets. If admin_api is set, the last needs
its key in ADIT_ADMIN_KEY. Secrets are not printed. The exit code is 1 if the request would be refused.`,
  },
  config: {
    summary: "print the effective configuration and where each value comes from",
    about: "Print the effective configuration as YAML, with defaults and without secrets.",
    arguments: [],
    options: [READ_CONFIG],
    notes:
      `Each value is followed by its origin: FILE:LINE, FILE:LINE with the reference used there, or default. The output
is for reading only: it cannot be used as a configuration, because secrets are redacted.`,
  },
  schema: {
    summary: "print the JSON Schema of the configuration",
    about: "Print the JSON Schema of the configuration.",
    arguments: [],
    options: [],
    notes: `Editors use it to check and complete a file whose first line is
# yaml-language-server: $schema=PATH
where PATH is a file with this output.`,
  },
  prices: {
    summary: "show what models cost, or convert another table of prices",
    about: "Show the prices of models in US dollars, or convert another table of prices and print its rows.",
    arguments: [{
      name: "MODEL",
      isOptional: true,
      help: "part of a model id, or a glob; default: all models",
    }],
    options: [
      READ_CONFIG,
      {
        name: "litellm",
        value: "FILE",
        help: "convert LiteLLM's model_prices_and_context_window.json to rows for prices.file",
      },
      {
        name: "aws",
        value: "FILE",
        help: "convert an offer index file of AWS's price list to rows for prices.file",
      },
    ],
    notes:
      `Rows of the configuration's prices.file are shown before the built-in ones, which they override. Prices that
cannot be converted are listed on standard error.`,
  },
  usage: {
    summary: "show what callers have used, and what it cost",
    about: "Show usage and cost from the ledger of a configuration, also while the gateway runs.",
    arguments: [{
      name: "ACTION",
      isOptional: true,
      choices: ["reprice"],
      help: "reprice: recompute the cost of the period's requests with the current prices",
    }],
    options: [
      READ_CONFIG,
      {
        name: "by",
        value: "GROUPS",
        help:
          "group by any of caller, team, model, target, tier, tags, and one of hour, day, month; default: caller,model",
      },
      {
        name: "from",
        value: "TIME",
        help: "start of the period: a date, or a time such as 2027-01-31T12:00:00Z; default: 30 days ago",
      },
      { name: "to", value: "TIME", help: "end of the period, exclusive; default: now" },
      {
        name: "tz",
        value: "ZONE",
        help: "time zone of days and months, such as Europe/Berlin; default: UTC",
      },
      { name: "caller", value: "NAME", help: "only this caller" },
      { name: "team", value: "NAME", help: "only this team" },
      { name: "model", value: "NAME", help: "only this model" },
      { name: "format", value: "FORMAT", choices: ["text", "json", "csv"], help: "text, json or csv" },
      { name: "dry-run", help: "with reprice: only show what would change" },
    ],
    notes:
      `Costs are in US dollars. Requests with an unknown price are not part of the cost; their number is shown. Requests
that ended in the last quarter of a second may be missing.

adit usage reprice uses the built-in prices and those of the configuration's prices.file, as of the time of each
request. It changes the requests that are still in the ledger, and their hourly sums. Hourly sums whose requests
are no longer kept, and requests that cannot be recomputed, stay unchanged and are listed. Budgets do not change.
A second run changes nothing.`,
  },
  import: {
    summary: "convert the configuration of another gateway",
    about: "Convert the configuration of another gateway to one of Adit's, and print it.",
    arguments: [
      {
        name: "FORMAT",
        choices: ["litellm"],
        help: "litellm: config.yaml of LiteLLM's proxy; only its Bedrock models are converted",
      },
      { name: "FILE", help: "the file to convert" },
    ],
    options: [],
    notes:
      `Settings that cannot be converted are listed in comments. Literal secrets in the file are copied, marked with a
comment and reported on standard error; os.environ/NAME becomes \${env:NAME}.`,
  },
  keygen: {
    summary: "create a key for a caller",
    about: "Create a key for a caller.",
    arguments: [],
    options: [
      { name: "name", value: "NAME", help: "name of the caller in the configuration; default: my-team" },
      {
        name: "format",
        value: "FORMAT",
        choices: ["text", "json"],
        help: "text, or a JSON object {name, key, hash}",
      },
    ],
    notes:
      "The key is printed once and not stored: give it to the caller. The configuration only contains its hash.",
  },
  emulator: {
    summary: "run only the built-in Bedrock emulator",
    about: "Run only the built-in Bedrock emulator.",
    arguments: [],
    options: [
      {
        name: "listen",
        value: "ADDRESS",
        help: "host and port; default: 127.0.0.1:8090; port 0 selects a free port",
      },
    ],
    notes: "Set it as the endpoint of an AWS SDK, or of a provider in Adit's configuration.",
  },
  completion: {
    summary: "print a script that completes commands and options in a shell",
    about: "Print a script that completes commands and options in a shell.",
    arguments: [{ name: "SHELL", choices: SHELLS, help: SHELLS.join(", ") }],
    options: [],
    notes: `bash: source <(adit completion bash)
zsh:  source <(adit completion zsh), after compinit
fish: adit completion fish | source`,
  },
  man: {
    summary: "print the manual page",
    about: "Print the manual page adit(1), for man.",
    arguments: [],
    options: [],
    notes: `To read it: adit man >adit.1 && man ./adit.1`,
  },
  version: {
    summary: "print the version",
    about: "Print the version.",
    arguments: [],
    options: [],
  },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof COMMANDS;

/** The rows without their literal types, for code that iterates over them. */
export const COMMAND_ROWS: ReadonlyMap<string, CommandRow> = new Map(Object.entries<CommandRow>(COMMANDS));
