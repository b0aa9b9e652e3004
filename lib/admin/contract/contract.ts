/**
 * The API of the admin listener for the operator's page and `adit top`, as types: the shapes of the answers under
 * `/admin/v1/`. Members are only ever added. Times are ISO 8601 in UTC, amounts of money are strings with decimal US
 * dollars, and a truncated list says so.
 *
 * Answers other than 2xx are JSON `{"error": string}`. 401 asks for the admin API key as a bearer token; 429 means that
 * there are too many viewers.
 */

export type * from "./now_shapes.ts";
export type * from "./usage_shapes.ts";
export type * from "./requests_shapes.ts";
export type * from "./recent_shapes.ts";
export type * from "./limits_shapes.ts";
export type * from "./catalog_shapes.ts";
export type * from "./configuration_shapes.ts";
export type * from "./try_shapes.ts";
export type * from "./log_shapes.ts";
