// What each side of a tunnel connection is ready to receive. Exchanged in the handshake; the other side obeys.
import { z } from "zod";
import { limits } from "../limits.ts";

export const tunnelSettingsSchema = z.object({
  /** Streams that the other side may have open at once. */
  maxStreams: z.int().min(1).max(65_536),
  /** Receive window of a new stream. It grows while the reader keeps up, at most to `limits.streamWindowBytes`. */
  initialWindowBytes: z.int().min(4_096).max(1_048_576),
  /** Bytes of heads, data, messages and trailers on their way at once, over all streams. */
  connectionWindowBytes: z.int().min(65_536).max(67_108_864),
  /** Longest control message, over all its frames. */
  maxControlBytes: z.int().min(65_536).max(67_108_864),
});

export type TunnelSettings = z.infer<typeof tunnelSettingsSchema>;

/** What a hub is ready to receive: an agent may be hostile, and opens no streams of its own yet. */
export const hubSettings: TunnelSettings = {
  maxStreams: 1,
  initialWindowBytes: limits.initialWindowBytes,
  connectionWindowBytes: limits.connectionWindowBytes,
  maxControlBytes: limits.reportBytes,
};

/**
 * What a hub is ready to receive of a client that forwards ports, which obeys without having been told: they are part of
 * the version in the path (`contract/port-forward.ts`). The client itself takes what an agent does.
 */
export const forwardHubSettings: TunnelSettings = {
  ...hubSettings,
  maxStreams: limits.connectionsPerForwarder,
};

/** What an agent is ready to receive. */
export const agentSettings: TunnelSettings = {
  maxStreams: limits.streamsPerConnection,
  initialWindowBytes: limits.initialWindowBytes,
  connectionWindowBytes: limits.connectionWindowBytes,
  maxControlBytes: limits.tunnelConfigBytes,
};
