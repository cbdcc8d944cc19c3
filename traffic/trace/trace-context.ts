// W3C Trace Context (https://www.w3.org/TR/trace-context/): the trace that a request belongs to, and its own span in it.

export interface TraceContext {
  /** 32 hexadecimal digits, lower case, not all zero. */
  readonly traceId: string;
  /** Span of the caller, 16 digits; absent where the trace begins here. */
  readonly parentId?: string;
  readonly sampled: boolean;
}

/** §3.2.2: version 00; later versions are read like it as long as they begin like it. */
const headerForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 1;

/** Undefined for a header that is absent or not valid: the trace is then started anew (§4.3). */
export function parseTraceparent(header: string | null): TraceContext | undefined {
  const [, version, traceId, parentId, flags, more] = headerForm.exec(header?.trim() ?? "") ?? [];
  if (!version || !traceId || !parentId || !flags || version === "ff") return undefined;
  if (version === "00" && more !== undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 };
}

export function formatTraceparent(traceId: string, spanId: string, sampled: boolean): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** A caller's trace goes on as the caller has decided; a new one is sampled with `samplingRate` percent. */
export function traceOf(header: string | null, samplingRate: number, random: () => number): TraceContext {
  return parseTraceparent(header) ?? { traceId: hexId(random, 4), sampled: random() * 100 < samplingRate };
}

export function newSpanId(random: () => number): string {
  return hexId(random, 2);
}

/** `words` times 8 digits; never all zero. */
function hexId(random: () => number, words: number): string {
  let digits = "";
  for (let word = 0; word < words; word += 1) {
    digits += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  }
  return /^0+$/.test(digits) ? `${digits.slice(0, -1)}1` : digits;
}
