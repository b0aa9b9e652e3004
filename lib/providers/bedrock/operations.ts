/** Bedrock Runtime's operations, from the service's own model: requests are matched and addressed only by these rows. */

import { percentEncode } from "../../aws/sigv4/canonical.ts";

interface OperationRow {
  readonly method: "GET" | "POST";
  /** Each `{…}` is one percent-encoded segment. */
  readonly path: string;
  /**
   * What the operation applies to: a model named by the first path parameter or the body, a resource named by the
   * first path parameter, or the whole region.
   */
  readonly subject: "model in path" | "model in body" | "resource" | "region";
  /** Where the request names a guardrail; `impossible` if it runs a model without one, `none` if it runs none. */
  readonly guardrail: "body" | "headers" | "impossible" | "none";
  /** Where the response reports token counts or the units of a guardrail; if in events, it is a stream. */
  readonly usage: "body" | "headers" | "converse events" | "invoke events" | "guardrail units" | "none";
  /** Whether it runs a model, which uses tokens. */
  readonly runsModel: boolean;
}

export const OPERATIONS = {
  converse: {
    method: "POST",
    path: "/model/{modelId}/converse",
    subject: "model in path",
    guardrail: "body",
    usage: "body",
    runsModel: true,
  },
  converseStream: {
    method: "POST",
    path: "/model/{modelId}/converse-stream",
    subject: "model in path",
    guardrail: "body",
    usage: "converse events",
    runsModel: true,
  },
  invoke: {
    method: "POST",
    path: "/model/{modelId}/invoke",
    subject: "model in path",
    guardrail: "headers",
    usage: "headers",
    runsModel: true,
  },
  invokeStream: {
    method: "POST",
    path: "/model/{modelId}/invoke-with-response-stream",
    subject: "model in path",
    guardrail: "headers",
    usage: "invoke events",
    runsModel: true,
  },
  countTokens: {
    method: "POST",
    path: "/model/{modelId}/count-tokens",
    subject: "model in path",
    guardrail: "none",
    usage: "none",
    runsModel: false,
  },
  applyGuardrail: {
    method: "POST",
    path: "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
    subject: "resource",
    guardrail: "none",
    usage: "guardrail units",
    runsModel: false,
  },
  invokeGuardrailChecks: {
    method: "POST",
    path: "/guardrail-checks/invoke",
    subject: "region",
    guardrail: "none",
    usage: "guardrail units",
    runsModel: false,
  },
  startAsyncInvoke: {
    method: "POST",
    path: "/async-invoke",
    subject: "model in body",
    guardrail: "impossible",
    usage: "none",
    runsModel: true,
  },
  getAsyncInvoke: {
    method: "GET",
    path: "/async-invoke/{invocationArn}",
    subject: "resource",
    guardrail: "none",
    usage: "none",
    runsModel: false,
  },
  listAsyncInvokes: {
    method: "GET",
    path: "/async-invoke",
    subject: "region",
    guardrail: "none",
    usage: "none",
    runsModel: false,
  },
} as const satisfies Record<string, OperationRow>;

export type Operation = keyof typeof OPERATIONS;

/** AWS's definition of an operation: its method, its path, and where its token counts are. */
export function operationRow(operation: Operation): OperationRow {
  return OPERATIONS[operation];
}

/** Whether the operation responds with an event stream. */
export function isStream(operation: Operation): boolean {
  const { usage } = operationRow(operation);
  return usage === "converse events" || usage === "invoke events";
}

/** The operation's path with these decoded values as parameters, each encoded as the AWS SDKs do. */
export function operationPath(operation: Operation, values: readonly string[]): string {
  let next = 0;
  return operationRow(operation).path.replace(/\{\w+\}/g, () => percentEncode(values[next++] ?? ""));
}
