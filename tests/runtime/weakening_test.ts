/** Which variables weaken a program, and which only look like those that do. */

import { deepEqual } from "node:assert/strict";
import { weakeningIn } from "../../lib/runtime/weakening.ts";

const names = (env: Record<string, string>, runtime: "bun" | "deno") =>
  weakeningIn(env, runtime).map(({ name }) => name);

Deno.test("variables are found by name, by the beginning of the name, and by value", () => {
  const env = {
    BUN_JSC_useJIT: "0",
    BUN_OPTIONS: "--preload=x",
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
    BUN_INSPECT: "",
    DENO_V8_FLAGS: "--trace-gc",
    NODE_EXTRA_CA_CERTS: "/etc/ca.pem",
    NODE_TLS_REJECT_UNAUTHORIZED: "1",
    SSLKEYLOGFILE: "keys",
  };
  deepEqual(names(env, "bun"), ["BUN_JSC_useJIT", "BUN_OPTIONS", "SSLKEYLOGFILE"]);
  deepEqual(names(env, "deno"), ["DENO_V8_FLAGS", "SSLKEYLOGFILE"]);
  deepEqual(names({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, "bun"), ["NODE_TLS_REJECT_UNAUTHORIZED"]);
  deepEqual(names({}, "deno"), []);
});
