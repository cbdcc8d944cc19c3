// Spans of the stages that may take time: who waits for credentials, a limit, an endpoint. Only where tracing is configured
// are the stages wrapped, and only sampled requests note anything.
import type { Exchange } from "../exchange.ts";
import type { PolicyStages } from "../plan/snapshot-plan.ts";
import type { Handler, Stage } from "../stage/stage.ts";

export interface StageSpan {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Address and port, for an attempt. */
  readonly endpoint: string | undefined;
  /** Of the answer; absent where there was none, or where the stage let the request go on. */
  readonly status: number | undefined;
  readonly failed: boolean;
}

/** `whole`: until the stage has its answer; otherwise until it lets the request go on. */
export interface SpanOf {
  readonly name: string;
  readonly whole?: boolean;
}

/** Spans of one request that are kept; attempts and hedges are bounded, too. */
const maxSpans = 32;

export function withSpans({ rule, backend, spanOf }: PolicyStages): PolicyStages {
  const wrap = <Scope>(stage: Stage<Scope>): Stage<Scope> => {
    const span = spanOf.get(stage);
    return span ? spanned(stage, span) : stage;
  };
  return { rule: rule.map(wrap), backend: backend.map(wrap), spanOf };
}

function spanned<Scope>(stage: Stage<Scope>, { name, whole = false }: SpanOf): Stage<Scope> {
  return (scope, next) => {
    const starts = new WeakMap<Exchange, number>();
    const going: Handler = (exchange) => {
      if (!whole) end(exchange, starts, name, undefined, false);
      return next(exchange);
    };
    const handler = stage(scope, going);
    // The stage has nothing to do here.
    if (handler === going) return next;
    return async (exchange) => {
      if (!exchange.trace?.sampled) return handler(exchange);
      starts.set(exchange, Date.now());
      try {
        const response = await handler(exchange);
        end(exchange, starts, name, response.status, response.status >= 500);
        return response;
      } catch (error) {
        end(exchange, starts, name, undefined, true);
        throw error;
      }
    };
  };
}

/** Once for each start. */
function end(
  exchange: Exchange,
  starts: WeakMap<Exchange, number>,
  name: string,
  status: number | undefined,
  failed: boolean,
): void {
  const startMs = starts.get(exchange);
  const stages = exchange.trace?.stages;
  if (startMs === undefined || !stages) return;
  starts.delete(exchange);
  if (stages.length >= maxSpans) return;
  const endpoint = exchange.endpoint?.endpoint.id;
  stages.push({ name, startMs, endMs: Date.now(), endpoint, status, failed });
}
