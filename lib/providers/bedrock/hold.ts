/**
 * Holds back the start of a stream until it has content, as long as another target could still answer instead.
 */

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
  /** The next piece, or undefined at the end. Throws what broke the stream. */
  read(): Promise<Piece | undefined>;
  /** Whether a part of the content has arrived, or the end. */
  readonly hasContent: boolean;
  /** What has been read so far. */
  readonly frames: number;
  readonly bytes: number;
}

/** The pieces that were held back, and the pending read. */
export interface HeldBack<Piece> {
  readonly pieces: Piece[];
  readonly pending: Promise<Piece | undefined> | undefined;
}

/** Reads until there is content or a limit is reached. Throws what broke the stream before that. */
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
        return { pieces, pending: reading };
      }
      if (piece === undefined) return { pieces, pending: Promise.resolve(undefined) };
      pieces.push(piece);
    }
    return { pieces, pending: undefined };
  } finally {
    deadline.cancel();
  }
}
