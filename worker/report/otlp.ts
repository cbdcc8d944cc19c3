// OTLP/HTTP in its JSON encoding (opentelemetry-proto: ids in hexadecimal, 64-bit integers as strings).

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  /** Those that are undefined are left out. */
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
}

/** SpanKind and StatusCode of the protocol. */
const kinds = { internal: 1, server: 2, client: 3 } as const;
const statusError = 2;

/** `ExportTraceServiceRequest`. */
export function otlpSpans(spans: readonly Span[]): unknown {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes({ "service.name": "isthmus" }) },
        scopeSpans: [{ scope: { name: "isthmus" }, spans: spans.map(otlpSpan) }],
      },
    ],
  };
}

function otlpSpan(span: Span): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId !== undefined && { parentSpanId: span.parentId }),
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: `${span.startMs}000000`,
    endTimeUnixNano: `${span.endMs}000000`,
    attributes: attributes(span.attributes),
    status: span.failed ? { code: statusError } : {},
  };
}

function attributes(values: Span["attributes"]): unknown[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value } }];
  });
}
