// Puts a request's body into frames, with the client's trailers behind it, for the gateway to take out again (decision 0020).
import { Transform } from "node:stream";
import { dataFrame, trailersFrame } from "#contract/body-frames.ts";
import { pairs } from "./forwarded-head.ts";
import type { Incoming } from "./incoming.ts";

/** What the request is piped through. Fails for trailers beyond the tunnel's bounds. */
export function framing(request: Incoming): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, dataFrame(chunk)),
    flush(done) {
      try {
        const fields = [...pairs(request.rawTrailers)];
        done(null, trailersFrame(fields.map(([name, value]) => [name.toLowerCase(), value])));
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
