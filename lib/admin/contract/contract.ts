/**
 * What the operator's page and `adit top` ask the admin listener for, as types only: the shapes of the answers to
 * `/admin/v1/…`. Members are only ever added. Times are ISO 8601 in UTC, amounts of money are decimals of US dollars as
 * strings, and a list that was cut says so.
 *
 * Every answer but 2xx is JSON `{"error": string}`; 401 asks for the admin API key as a bearer token, and 429 means that
 * too many viewers watch already.
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
