/** Splits a streamed answer into pieces: server-sent events, or frames of AWS's event stream. */

/** One piece, ready to be shown. */
export interface Piece {
  /** The piece as received; for a binary frame, its headers and payload. */
  readonly raw: string;
  /** Name of the event, if it has one. */
  readonly event: string;
  /** Usually JSON. */
  readonly data: string;
}

/** Accepts chunks that are split anywhere; `end` returns the rest. */
export interface PieceReader {
  push(chunk: Uint8Array<ArrayBuffer>): readonly Piece[];
  end(): readonly Piece[];
}

/** The reader for a media type; an answer that is not a stream is one piece. */
export function pieceReaderFor(mediaType: string): PieceReader {
  if (mediaType.startsWith("text/event-stream")) return eventReader();
  if (mediaType.startsWith("application/vnd.amazon.eventstream")) return frameReader();
  return wholeReader();
}

function eventReader(): PieceReader {
  const decoder = new TextDecoder();
  let text = "";
  const take = (last: boolean): readonly Piece[] => {
    const blocks = text.split(/\r?\n\r?\n/);
    text = last ? "" : blocks.pop() ?? "";
    return blocks.filter((block) => block.trim() !== "").map(toEvent);
  };
  return {
    push(chunk) {
      text += decoder.decode(chunk, { stream: true });
      return take(false);
    },
    end: () => take(true),
  };
}

function toEvent(raw: string): Piece {
  const lines = raw.split(/\r?\n/);
  const valuesOf = (field: string) =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) =>
      line.slice(field.length + 1).trimStart()
    );
  return { raw, event: valuesOf("event").at(-1) ?? "", data: valuesOf("data").join("\n") };
}

function wholeReader(): PieceReader {
  const decoder = new TextDecoder();
  let text = "";
  return {
    push(chunk) {
      text += decoder.decode(chunk, { stream: true });
      return [];
    },
    end: () => [{ raw: text, event: "", data: text }],
  };
}

/** Total length, length of the headers, and their checksum; a checksum of the whole frame is at the end. */
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const STRING = 7;

function frameReader(): PieceReader {
  let rest = new Uint8Array(0);
  return {
    push(chunk) {
      const bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
      const pieces: Piece[] = [];
      let at = 0;
      for (;;) {
        const view = new DataView(bytes.buffer, at);
        if (view.byteLength < PRELUDE_BYTES) break;
        const total = view.getUint32(0);
        if (total < PRELUDE_BYTES + CHECKSUM_BYTES || view.byteLength < total) break;
        pieces.push(toFrame(bytes.subarray(at, at + total), view.getUint32(4)));
        at += total;
      }
      rest = bytes.slice(at);
      return pieces;
    },
    end: () =>
      rest.length === 0 ? [] : [{ raw: `incomplete frame (${rest.length} bytes)`, event: "", data: "" }],
  };
}

function toFrame(frame: Uint8Array<ArrayBuffer>, headerBytes: number): Piece {
  const decoder = new TextDecoder();
  const headers = headersIn(frame.subarray(PRELUDE_BYTES, PRELUDE_BYTES + headerBytes));
  const data = decoder.decode(frame.subarray(PRELUDE_BYTES + headerBytes, -CHECKSUM_BYTES));
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`);
  return {
    raw: `${lines.join("\n")}\n${data}`,
    event: headers.get(":event-type") ?? headers.get(":exception-type") ?? "",
    data,
  };
}

/** Bedrock's headers are strings; reading stops at a header of another type. */
function headersIn(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<string, string> {
  const decoder = new TextDecoder();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headers = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const nameEnd = at + 1 + view.getUint8(at);
    if (view.getUint8(nameEnd) !== STRING) break;
    const valueStart = nameEnd + 3;
    const valueEnd = valueStart + view.getUint16(nameEnd + 1);
    headers.set(
      decoder.decode(bytes.subarray(at + 1, nameEnd)),
      decoder.decode(bytes.subarray(valueStart, valueEnd)),
    );
    at = valueEnd;
  }
  return headers;
}
