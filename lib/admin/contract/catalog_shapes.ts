/** Models, their targets and traits, as types. */

import type { TargetView } from "./now_shapes.ts";

/**
 * `GET /admin/v1/catalog?search=&limit=&cursor=`: the models of the configuration, by name; `limit` defaults to 100.
 */
export interface CatalogView {
  readonly models: readonly CatalogModelView[];
  /** Number that match the search. */
  readonly total: number;
  readonly next_cursor: string | null;
}

export interface CatalogModelView {
  readonly name: string;
  readonly pick: string;
  readonly targets: readonly CatalogTargetView[];
}

export interface CatalogTargetView extends TargetView {
  /** File and line. */
  readonly origin: string;
  readonly priority: number;
  readonly weight: number;
  /** Name of the model family. */
  readonly family: string;
  /** Such as `$3.30 input, $16.50 output`; null if the price is unknown. */
  readonly price: string | null;
  /** Source of the price. */
  readonly price_origin: string | null;
  /** Fields that Bedrock has refused since the configuration was loaded. */
  readonly lessons: readonly string[];
}

/** `GET /admin/v1/catalog/MODEL`: one model in full; 404 for an unknown model. */
export interface CatalogDetailView extends CatalogModelView {
  readonly details: readonly TargetDetailView[];
}

export interface TargetDetailView {
  readonly target: string;
  /** Empty if they cannot be read; then `traits_error` has the reason. */
  readonly traits: readonly TraitView[];
  readonly traits_error: string | null;
  readonly lessons: readonly LessonView[];
}

export interface TraitView {
  readonly name: string;
  readonly value: string;
  /** Such as `row anthropic.claude-*`, `models.fast.traits (adit.yaml:12)`, `default`. */
  readonly origin: string;
}

export interface LessonView {
  readonly members: readonly string[];
  /** The lesson as a row for a file of `data.models`. */
  readonly row: string;
  /** The lesson as the value of `setting`. */
  readonly traits: string;
  readonly setting: string;
  readonly upstream_message: string;
  readonly learned_at: string;
}
