/** The caller's trace, in the form of W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header). */

/** The position of a request in a trace. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The caller's span: 16 hexadecimal digits. */
  readonly parentId: string;
  /** Whether the caller records its part of the trace. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The context in a `traceparent` header; undefined if there is none, or it is invalid. */
export function parseTraceparent(header: string | null): TraceContext | undefined {
  if (header === null || header.length > 256) return undefined;
  const [, version = "", traceId = "", parentId = "", flags = "", rest] = TRACEPARENT.exec(header.trim()) ??
    [];
  // A later version may have more parts; version 00 has none.
  if (version === "" || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
