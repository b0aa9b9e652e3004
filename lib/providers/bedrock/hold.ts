/** Holds back the start of a stream until it has content, as long as another target could still answer instead. */

import type { TimerWheel } from "../../base/clock.ts";

/** Limits on holding back a stream without content; beyond them it is passed on to the client. */
export interface Hold {
  readonly timers: TimerWheel;
  readonly withinMs: number;
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** A stream that can be held back. */
export interface HoldableStream<Piece> {
  /** The next piece, or undefined at the end. Rejects with the error that broke the stream. */
  read(): Promise<Piece | undefined>;
  /** Whether a part of the content has arrived, or the end. */
  readonly hasContent: boolean;
  /** How much has been read so far. */
  readonly frames: number;
  readonly bytes: number;
}

/** Pieces that were held back, and then a pending read, which precede further reads. */
export class HeldBack<Piece> {
  readonly #pieces: Piece[];
  #pending: Promise<Piece | undefined> | undefined;

  constructor(pieces: Piece[], pending?: Promise<Piece | undefined>) {
    this.#pieces = pieces;
    this.#pending = pending;
  }

  /** From one read, which has ended. */
  static of<Piece>(piece: Piece | undefined): HeldBack<Piece> {
    return piece === undefined ? new HeldBack<Piece>([], Promise.resolve(undefined)) : new HeldBack([piece]);
  }

  /** The next piece of the stream, or undefined at the end. Rejects with the error that broke the stream. */
  next(stream: HoldableStream<Piece>): Promise<Piece | undefined> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) return Promise.resolve(piece);
    const pending = this.#pending ?? stream.read();
    this.#pending = undefined;
    return pending;
  }
}

/** Reads until there is content or a limit is reached. Throws the error that broke the stream before that. */
export async function holdBack<Piece>(
  stream: HoldableStream<Piece>,
  { timers, withinMs, maxFrames, maxBytes }: Hold,
): Promise<HeldBack<Piece>> {
  const pieces: Piece[] = [];
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const deadline = timers.after(withinMs, () => resolve("late"));
  try {
    while (!stream.hasContent && stream.frames < maxFrames && stream.bytes < maxBytes) {
      const reading = stream.read();
      const piece = await Promise.race([reading, late]);
      if (piece === "late") {
        reading.catch(() => {});
        return new HeldBack(pieces, reading);
      }
      if (piece === undefined) return new HeldBack(pieces, Promise.resolve(undefined));
      pieces.push(piece);
    }
    return new HeldBack(pieces);
  } finally {
    deadline.cancel();
  }
}
