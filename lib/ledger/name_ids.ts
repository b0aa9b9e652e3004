/** The numbers of names in the ledger, which the table `name` assigns. */

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Maximum number of names in memory: callers with native access can choose any model id. */
const MAX_NAMES = 20_000;

/** Finds the ids of names, and adds new names. */
export class NameIds {
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #known = new Map<string, Map<string, number>>();
  #count = 0;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare("SELECT id FROM name WHERE kind = ? AND text = ?");
    this.#add = database.prepare("INSERT INTO name (kind, text) VALUES (?, ?) RETURNING id");
  }

  idOf(kind: string, text: string): number {
    const known = this.#known.get(kind)?.get(text);
    if (known !== undefined) return known;
    const row = this.#find.get(kind, text) ?? this.#add.get(kind, text);
    const id = Number(row?.["id"]);
    if (this.#count >= MAX_NAMES) this.forget();
    let ids = this.#known.get(kind);
    if (ids === undefined) this.#known.set(kind, ids = new Map());
    ids.set(text, id);
    this.#count++;
    return id;
  }

  /** Forgets all ids, as those added in a failed transaction are invalid. */
  forget(): void {
    this.#known.clear();
    this.#count = 0;
  }
}
