/**
 * Callers in memory that threads share, so that a thread can take over very many of them at once: a caller becomes an
 * object when it is first looked up.
 */

import type { SealedSecret } from "../base/secret.ts";
import {
  numberOf,
  type PackedIndex,
  type PackedTexts,
  packIndex,
  packTexts,
  textAt,
  textsIn,
} from "./packed_index.ts";
import type { Caller, CallerIndex, ModelAccess, NativeAccess, Snapshot } from "./snapshot.ts";

/** The members of a snapshot with an object for each caller. */
type CallerIndexes = Pick<Snapshot, "callers" | "callersByKeyHash" | "callersByAccessKeyId">;

/** The callers as plain data. */
export interface PackedCallers {
  /** JSON of each caller, in file order, with numbers instead of its lists. */
  readonly records: PackedTexts;
  /** JSON of each distinct list of models. */
  readonly models: PackedTexts;
  /** JSON of each distinct permission to use the native API. */
  readonly native: PackedTexts;
  readonly byName: PackedIndex;
  readonly byKeyHash: PackedIndex;
  readonly byAccessKeyId: PackedIndex;
}

/** A snapshot as plain data, with its callers packed. */
export type PackedSnapshot = Omit<Snapshot, keyof CallerIndexes> & { readonly packed: PackedCallers };

/** A caller as JSON; undefined members are missing. */
interface CallerRecord {
  readonly name: string;
  readonly team?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly models: number;
  readonly native?: number;
  readonly expiresAtMs?: number;
  readonly disabled: boolean;
  readonly dataResidency?: readonly string[];
  readonly aws?: { readonly accessKeyId: string; readonly secretAccessKey: SealedSecret };
  readonly s3?: readonly string[];
}

/** The snapshot with its callers in shared memory. */
export function packSnapshot(snapshot: Snapshot): PackedSnapshot {
  const { callers, callersByKeyHash, callersByAccessKeyId, ...rest } = snapshot;
  return { ...rest, packed: packCallers({ callers, callersByKeyHash, callersByAccessKeyId }) };
}

/** The original snapshot; callers with equal lists share one object, as before. */
export function openSnapshot({ packed, ...rest }: PackedSnapshot): Snapshot {
  return { ...rest, ...openCallers(packed) };
}

function packCallers({ callers, callersByKeyHash, callersByAccessKeyId }: CallerIndexes): PackedCallers {
  const models = new Numbered<ModelAccess>();
  const native = new Numbered<NativeAccess>();
  const numbers = new Map<Caller, number>();
  const records: string[] = [];
  for (const caller of callers.values()) {
    numbers.set(caller, records.length);
    const record: CallerRecord = {
      ...caller,
      models: models.numberOf(caller.models),
      ...(caller.native === undefined ? {} : { native: native.numberOf(caller.native) }),
    } as CallerRecord;
    records.push(JSON.stringify(record));
  }
  const index = (map: CallerIndex) =>
    packIndex([...map.entries()].map(([text, caller]) => [text, numbers.get(caller) ?? 0] as const));
  return {
    records: packTexts(records),
    models: packTexts(models.all.map(({ names, globs }) => JSON.stringify([[...names], globs]))),
    native: packTexts(native.all.map(({ regions, ids }) => JSON.stringify([[...regions], ids]))),
    byName: index(callers),
    byKeyHash: index(callersByKeyHash),
    byAccessKeyId: index(callersByAccessKeyId),
  };
}

/** Numbers distinct objects, from 0. */
class Numbered<Value extends object> {
  readonly all: Value[] = [];
  readonly #numbers = new Map<Value, number>();

  numberOf(value: Value): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.all.push(value) - 1;
      this.#numbers.set(value, number);
    }
    return number;
  }
}

function openCallers(packed: PackedCallers): CallerIndexes {
  const { byName, byKeyHash, byAccessKeyId } = packed;
  const callers = callerReader(packed);
  return {
    callers: new PackedCallerIndex(byName, callers),
    callersByKeyHash: new PackedCallerIndex(byKeyHash, callers),
    callersByAccessKeyId: new PackedCallerIndex(byAccessKeyId, callers),
  };
}

/** Reads each caller and each list once. */
function callerReader({ records, models, native }: PackedCallers): (number: number) => Caller {
  const modelsOf = reader(models, (text): ModelAccess => {
    const [names, globs]: [readonly string[], readonly string[]] = JSON.parse(text);
    return { names: new Set(names), globs };
  });
  const nativeOf = reader(native, (text): NativeAccess => {
    const [regions, ids]: [readonly string[], readonly string[]] = JSON.parse(text);
    return { regions: new Set(regions), ids };
  });
  return reader(records, (text): Caller => {
    const record: CallerRecord = JSON.parse(text);
    return {
      name: record.name,
      team: record.team,
      tags: record.tags,
      models: modelsOf(record.models),
      native: record.native === undefined ? undefined : nativeOf(record.native),
      expiresAtMs: record.expiresAtMs,
      disabled: record.disabled,
      dataResidency: record.dataResidency,
      aws: record.aws,
      s3: record.s3,
    };
  });
}

function reader<Value>(texts: PackedTexts, read: (text: string) => Value): (number: number) => Value {
  const known = new Map<number, Value>();
  return (number) => {
    let value = known.get(number);
    if (value === undefined) {
      value = read(textAt(number, texts));
      known.set(number, value);
    }
    return value;
  };
}

class PackedCallerIndex implements CallerIndex {
  readonly #index: PackedIndex;
  readonly #read: (number: number) => Caller;
  /** Callers that were found before, by text. */
  readonly #found = new Map<string, Caller>();

  constructor(index: PackedIndex, read: (number: number) => Caller) {
    this.#index = index;
    this.#read = read;
  }

  get size(): number {
    return this.#index.numbers.length;
  }

  get(text: string): Caller | undefined {
    const known = this.#found.get(text);
    if (known !== undefined) return known;
    const number = numberOf(text, this.#index);
    if (number === undefined) return undefined;
    const caller = this.#read(number);
    this.#found.set(text, caller);
    return caller;
  }

  keys(): IterableIterator<string> {
    return textsIn(this.#index);
  }

  *values(): Generator<Caller> {
    for (const number of this.#index.numbers) yield this.#read(number);
  }

  *entries(): Generator<[string, Caller]> {
    for (const text of this.keys()) {
      const caller = this.get(text);
      if (caller !== undefined) yield [text, caller];
    }
  }
}
