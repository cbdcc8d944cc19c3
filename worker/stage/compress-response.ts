// Rule stage: `compression` of the rule. Responses are compressed for clients that take it, whoever made them.
import { trailersHeader } from "#contract/body-frames.ts";
import type { Compressor } from "#contract/compression.ts";
import { limits } from "#contract/limits.ts";
import { compileCompression, markCompressed, varyByEncoding } from "#traffic/filter/compression.ts";
import { compressBody } from "../forward/compress-body.ts";
import { encodingOf } from "../forward/encoders.ts";
import { isLong } from "../forward/watch-body.ts";
import { withWholeBody } from "../forward/whole-body.ts";
import type { RuleScope, Stage } from "./stage.ts";

/** Of all rules of the isolate. */
let heldBytes = 0;

export const compressResponse: Stage<RuleScope> = ({ rule }, next) => {
  if (!rule.compression) return next;
  const plan = compileCompression(rule.compression);
  return async (exchange) => {
    const response = await next(exchange);
    // Trailers follow in frames that are the front door's to read.
    const isPlain = response.webSocket === null && !response.headers.has(trailersHeader);
    if (!isPlain || !plan.suits(response.status, response.headers)) return response;
    const compressor = plan.choose(exchange.header("accept-encoding"));
    const body = compressor && exchange.method !== "HEAD" && (await compressed(response, compressor));
    if (!body) {
      const copy = new Response(response.body, response);
      varyByEncoding(copy.headers);
      return copy;
    }
    const { status, statusText, headers } = response;
    const sent = new Response(body, { status, statusText, headers, encodeBody: "manual" });
    varyByEncoding(sent.headers);
    markCompressed(sent.headers, compressor);
    return sent;
  };
};

/** `undefined`: there is no body, or so much is being compressed that this one passes as it is. */
async function compressed(
  response: Response,
  compressor: Compressor,
): Promise<ReadableStream<Uint8Array> | Uint8Array | undefined> {
  if (response.body === null) return undefined;
  const encoding = await encodingOf(compressor);
  if (!isLong(response)) {
    const whole = await withWholeBody(response, "GET");
    return encoding.whole(await whole.arrayBuffer());
  }
  const { heldBytes: bytes } = encoding;
  if (heldBytes + bytes > limits.encoderBytes) return undefined;
  heldBytes += bytes;
  return compressBody(response.body, encoding.open(), () => void (heldBytes -= bytes));
}
