/** A byte source that wraps another one. */

import type { AditError } from "../base/errors.ts";
import type { ByteSource } from "./stream.ts";

/** Passes everything through; subclasses override `next`. */
export class PassedSource implements ByteSource {
  protected readonly source: ByteSource;
  readonly ping: ByteSource["ping"];

  constructor(source: ByteSource) {
    this.source = source;
    this.ping = source.ping?.bind(source);
  }

  next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.source.next();
  }

  isDelivered(): boolean {
    return this.source.isDelivered?.() ?? false;
  }

  failure(error: AditError): Uint8Array<ArrayBuffer> {
    return this.source.failure(error);
  }
}
