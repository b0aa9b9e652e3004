/**
 * Environment variables that make a runtime weaken the program: they open it to others, print its secrets, or disable
 * verification.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  /** Completes "the environment variable NAME …". */
  readonly effect: string;
  /** The values with this effect; default: any non-empty value. */
  readonly values?: RegExp;
}

const OPTIONS = "sets runtime options, such as a module to preload";
const INSPECTOR = "opens an inspector, which gives control of the program to anyone who can connect";
const PRINTS = "prints the traffic of connections";
const TRUSTS = "disables certificate verification";
const KEY_LOG = "writes TLS session keys to a file";
const ENGINE = "changes the behaviour of the JavaScript engine";
const TESTING = "is only for tests of the runtime itself";
const REPORTS = "sends or writes records of what the program does";
const LISTENS = "overrides the addresses of the listeners";
const ADDRESSES = "lets every client forge its address";
const COMPRESSES = "compresses responses, which delays streams";
const CONTROLLED = "gives another process control of the program or its permissions";

/** By name, as Bun 1.4.4 and Deno 2.9.6 know them; a `*` at the end matches any suffix. */
const VARIABLES: Readonly<Record<"bun" | "deno", Readonly<Record<string, Variable>>>> = {
  bun: {
    BUN_BYTECODE_DIGEST_OUT: { effect: REPORTS },
    BUN_BYTECODE_ORDER_NAMES_OUT: { effect: REPORTS },
    BUN_BYTECODE_ORDER_OUT: { effect: REPORTS },
    BUN_OPTIONS: { effect: OPTIONS },
    BUN_INSPECT: { effect: INSPECTOR },
    BUN_INSPECT_CONNECT_TO: { effect: INSPECTOR },
    BUN_INSPECT_NOTIFY: { effect: INSPECTOR },
    BUN_INSPECT_PRELOAD: { effect: OPTIONS },
    BUN_CONFIG_VERBOSE_FETCH: { effect: PRINTS },
    BUN_CRASH_REPORT_URL: { effect: REPORTS },
    BUN_ENABLE_CRASH_REPORTING: { effect: REPORTS },
    BUN_TRACE: { effect: REPORTS },
    BUN_DEBUG: { effect: REPORTS },
    "BUN_FEATURE_FLAG_*": { effect: TESTING },
    "BUN_INTERNAL_*": { effect: TESTING },
    "BUN_JSC_*": { effect: ENGINE },
    NODE_DEBUG: { effect: PRINTS },
    NODE_OPTIONS: { effect: OPTIONS },
    NODE_TLS_REJECT_UNAUTHORIZED: { effect: TRUSTS, values: /^0$/ },
    NODE_V8_COVERAGE: { effect: REPORTS },
    SSLKEYLOGFILE: { effect: KEY_LOG },
  },
  deno: {
    DENO_AUDIT_PERMISSIONS: { effect: REPORTS },
    DENO_COVERAGE_DIR: { effect: REPORTS },
    "DENO_INTERNAL_*": { effect: TESTING },
    DENO_LOG: { effect: REPORTS },
    DENO_NODE_TRACE_EVENT_CATEGORIES: { effect: REPORTS },
    DENO_PERMISSION_BROKER_PATH: { effect: CONTROLLED },
    DENO_SERVE_ADDRESS: { effect: LISTENS },
    DENO_SERVE_AUTOMATIC_COMPRESSION: { effect: COMPRESSES },
    DENO_STARTUP_PHASES: { effect: REPORTS },
    DENO_TOKIO_METRICS: { effect: REPORTS },
    DENO_TRACE_PERMISSIONS: { effect: REPORTS },
    DENO_TRUST_PROXY_HEADERS: { effect: ADDRESSES },
    DENO_UNSTABLE_CONTROL_SOCK: { effect: CONTROLLED },
    DENO_V8_FLAGS: { effect: ENGINE },
    NODE_DEBUG: { effect: PRINTS },
    NODE_OPTIONS: { effect: OPTIONS },
    NODE_TLS_REJECT_UNAUTHORIZED: { effect: TRUSTS, values: /^0$/ },
    NODE_V8_COVERAGE: { effect: REPORTS },
    OTEL_DENO: { effect: REPORTS },
    OTEL_DENO_CONSOLE: { effect: REPORTS },
    OTEL_DENO_METRICS: { effect: REPORTS },
    OTEL_DENO_TRACING: { effect: REPORTS },
    OTEL_DENO_VSOCK: { effect: REPORTS },
    SSLKEYLOGFILE: { effect: KEY_LOG },
  },
};

/** Names and patterns of the variables that weaken a program in either runtime. */
export const WEAKENING: readonly string[] = [
  ...new Set(Object.values(VARIABLES).flatMap((variables) => Object.keys(variables))),
];

/** A variable that is set, and what it does. */
export interface Weakening {
  readonly name: string;
  readonly effect: string;
}

/** The variables in the environment that weaken a program in this runtime. */
export function weakeningIn(env: Environment, runtime: "bun" | "deno"): readonly Weakening[] {
  const rows = Object.entries(VARIABLES[runtime]);
  return Object.keys(env).toSorted().flatMap((name) => {
    const [, row] = rows.find(([pattern]) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    ) ?? [];
    const isInForce = row !== undefined && (row.values ?? /./).test(env[name] ?? "");
    return isInForce ? [{ name, effect: row.effect }] : [];
  });
}
