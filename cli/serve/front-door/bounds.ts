// What clients of TLS listeners may hold open, and for how long.

/** Bounds of one front-door process, per listening socket. */
export const bounds = {
  connections: 20_000,
  headBytes: 64 * 1024,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  keepAliveTimeoutMs: 75_000,
  streamsPerConnection: 250,
  /** HTTP/2 default is 64 KiB: 25 MB/s on loopback, far less on a long line. */
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
} as const;
