// Whose word on a client's address counts, as the snapshot has it for the gateway and for listeners of their own.
import { z } from "zod";

/** Whose word on the client's address counts (Envoy Gateway `clientIPDetection.xForwardedFor`). */
export const clientDetectionSchema = z.strictObject({
  /** Proxies in front of the gateway; that many entries of X-Forwarded-For, from the right, are believed. */
  numTrustedHops: z.int().min(0).max(32),
  /** Alternative: entries are believed while the peer that sent them lies in one of these networks. */
  trustedCIDRs: z.array(z.string()).max(256),
});
