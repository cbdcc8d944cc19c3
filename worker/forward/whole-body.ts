// A short body, read before the head goes on: watching it on its way would cost more than half of all that a request costs.
import { GatewayError } from "#contract/error.ts";

/** The same response with its body in memory. Rejects with `endpoint_reset` where the body breaks off. */
export async function withWholeBody(response: Response, method: string): Promise<Response> {
  // The length of an answer to HEAD is that of a body that is not there.
  if (response.body === null || method === "HEAD") return response;
  let body: ArrayBuffer;
  try {
    body = await response.arrayBuffer();
  } catch (error) {
    throw new GatewayError("endpoint_reset", "the body broke off", { cause: error });
  }
  // Made from the response itself, it keeps status and headers, and a compressed body as it is.
  return new Response(body, response);
}
