/** What every `Runtime` must do, written once; `runtime_test.ts` runs it on each. */

import { serveCases } from "./serve_cases.ts";
import { connectionCases } from "./connection_cases.ts";
import { fetchCases } from "./fetch_cases.ts";
import { imageCases } from "./image_cases.ts";
import { networkCases } from "./network_cases.ts";
import { workerCases } from "./worker_cases.ts";
import { afterRequestCases } from "./after_request_cases.ts";
import { vanishedClientCases } from "./vanished_client_cases.ts";
import type { Case, KnownFailure } from "./case.ts";

export const cases: readonly Case[] = [
  ...serveCases,
  ...connectionCases,
  ...fetchCases,
  ...imageCases,
  ...networkCases,
  ...workerCases,
];

/** What a runtime cannot do yet, as docs/operations.md lists it. */
export const knownFailures: readonly KnownFailure[] = [...afterRequestCases, ...vanishedClientCases];
