// For stages that shape every response of a rule, those that the gateway makes for errors included.
import type { Exchange } from "../exchange.ts";
import { answerFor, asGatewayError } from "../report/error-response.ts";
import type { Handler } from "./stage.ts";

/** What `next` answers; an error becomes its response, and stays known in `exchange.error`. */
export async function answerError(next: Handler, exchange: Exchange): Promise<Response> {
  try {
    return await next(exchange);
  } catch (caught) {
    exchange.error = asGatewayError(caught);
    return answerFor(exchange.error, exchange);
  }
}
