/** Messages to and from the thread that reads the running configuration for the operator's page. */

import type { TraitView } from "../../admin/contract/contract.ts";
import type { ValuesPage, ValuesQuery } from "../../admin/views/view_sources.ts";

/** Start data of the thread. */
export interface ViewerData {
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The key of this process, with which the copies are sealed. */
  readonly sealingKey: Uint8Array;
  readonly copies: FileCopies;
}

/** The files of the running configuration: by path, compressed and sealed. */
export type FileCopies = ReadonlyMap<string, SharedArrayBuffer>;

export type ViewQuestion =
  & { readonly id: number }
  & (
    | { readonly kind: "values"; readonly query: ValuesQuery }
    | { readonly kind: "traits"; readonly model: string }
  );

export type ViewAnswer =
  & { readonly id: number }
  & (
    | { readonly kind: "values"; readonly page: ValuesPage }
    | { readonly kind: "traits"; readonly traits: readonly (readonly TraitView[])[] }
    | { readonly kind: "failed"; readonly reason: string }
  );
