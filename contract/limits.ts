// Every bound of the system in one place: whatever a stranger can make grow has a limit here, units last in the name.

export const limits = {
  /** Longest request target the gateway matches, in UTF-16 code units; longer is `uri_too_long` (414). */
  requestTargetChars: 16_384,
  /** Longest host name, in characters (RFC 1035 §2.3.4). */
  hostnameChars: 253,
  /** Longest name of a listener, route or backend: namespace and two names of Kubernetes objects fit in. */
  nameChars: 640,
  /** Longest regular expression accepted in a match. */
  regexChars: 1_024,
  /** Instructions a regular expression may compile to; the time of a match grows with them times the input. */
  regexInstructions: 1_000,
  /** Matches that one regular-expression rewrite replaces. */
  regexReplacements: 100,
  /** Longest delay that fault injection holds a request for. */
  faultDelayMs: 300_000,
  /** Body of a request that is kept to be sent again, in bytes; a longer one, or one of unknown length, is sent once. */
  replayBodyBytes: 64 * 1024,
  /** Body of a request that is mirrored, in bytes; requests with a longer one are not. */
  mirrorBodyBytes: 64 * 1024,
  /** Mirrored requests under way to one backend in an isolate; beyond that the copies are dropped. */
  mirrorsUnderWay: 256,
  /** What the encoders of compressed responses hold together in an isolate; beyond that responses pass as they are. */
  encoderBytes: 64 * 1024 * 1024,
  /** Longest time that a backend of error pages may take to answer; then the error reaches the client as it is. */
  errorPageTimeoutMs: 10_000,
  /** Requests wait so long for the first start of the agent of `isthmus serve`. */
  ownAgentStartMs: 10_000,
  /** Longest time that a mirrored request may take. */
  mirrorTimeoutMs: 30_000,
  /** Configuration: whole document, in bytes. */
  configBytes: 32 * 1024 * 1024,
  /** Configuration: nesting of a document, in levels; the schema itself needs 11. */
  configDepth: 64,
  /** Configuration: values of one file. */
  configValues: 2_000_000,
  /** Configuration: values, and marks between them, of what is read at once: a document, or a part of a plain one. */
  configMarksAtOnce: 500_000,
  /** Configuration: values that aliases (`*name`) may add to a document, so that a few lines cannot become a billion. */
  configAliasValues: 500_000,
  /** Configuration: findings reported of each severity; the rest is counted. */
  diagnosticsPerSeverity: 500,
  /** Configuration: statements of one haproxy.cfg. */
  statements: 250_000,
  /** Configuration: rules that the conditions of one haproxy.cfg may multiply to. */
  importedRules: 100_000,
  /** Configuration: entries of each kind. */
  listeners: 256,
  routes: 50_000,
  hostnamesPerListener: 64,
  hostnamesPerRoute: 256,
  rulesPerRoute: 64,
  matchesPerRule: 64,
  backendRefsPerRule: 64,
  tcpRoutes: 64,
  tlsRoutes: 10_000,
  backends: 50_000,
  endpointsPerBackend: 1_024,
  /** Weight of all servers that a table of `hashType` has room for; of more, each has a like share. */
  serverTableWeight: 8_192,
  rateLimitPolicies: 1_024,
  counterTables: 64,
  /** Counters of one table; entries of one, in each process; what the entries of all its tables take there. */
  countersPerTable: 32,
  counterEntries: 100_000,
  counterBytes: 32 * 1024 * 1024,
  /** What one rule counts. */
  countingPerRule: 32,
  errorPages: 256,
  pagesPerErrorPages: 64,
  /** Rate limits of one rule, those of its route and policies included; as many concurrency limits. */
  limitsPerRule: 32,
  /** Endpoints that one TCP or TLS connection is tried on. */
  connectAttempts: 16,
  /** ClientHello of a TLS connection that passes through; browsers send 2 KiB with post-quantum keys. */
  clientHelloBytes: 16 * 1024,
  /** PROXY protocol, version 2: addresses and type-length-values of one header. */
  proxyHeaderBytes: 4 * 1024,
  /** What a client may send before its PROXY header and ClientHello are complete, in records of any size. */
  connectionStartBytes: 64 * 1024,
  /** Time a client has for them. */
  connectionStartMs: 10_000,
  /** First bytes of a connection that conditions look at (`tune.bufsize` of HAProxy); with more, nothing is waited for. */
  inspectedBytes: 16 * 1024,
  /** Texts that one condition on them compares with. */
  valuesPerCondition: 1_024,
  /** PEM text within a configuration: a chain of certificates, or a key. */
  pemChars: 256 * 1024,
  /** Certificates of one listener; the server picks among them by SNI. */
  certificatesPerListener: 256,
  /** Names that the certificates of one backend's endpoints may carry. */
  subjectAltNames: 16,
  /** Tunnel: payload of one frame, in bytes. A longer declared length is a protocol error before it is buffered. */
  framePayloadBytes: 64 * 1024,
  /** Tunnel: one WebSocket message carries whole frames up to this many bytes. */
  tunnelMessageBytes: 512 * 1024,
  /** Tunnel: concurrent streams of one connection. */
  streamsPerConnection: 4_096,
  /** Agent: kept connections that begin with the PROXY protocol, by the client connection that they are for. */
  agentClientPools: 1_024,
  /** Tunnel: receive window of one stream at its largest, in bytes. */
  streamWindowBytes: 256 * 1024,
  /** Tunnel: receive window of a new stream. Times `streamsPerConnection`, the least a connection may hold. */
  initialWindowBytes: 16 * 1024,
  /** Tunnel: by how much the windows of one connection's streams grow beyond the initial ones, together. */
  windowGrowthBytes: 16 * 1024 * 1024,
  /** Tunnel: bytes of one connection on the way at once; also how far bulk can be ahead of a small request. */
  connectionWindowBytes: 1024 * 1024,
  /** Tunnel: how far heads, and what may go with them, may overdraw the connection's window. */
  headOverdraftBytes: 1024 * 1024,
  /** Tunnel: what a direction of a stream may send at its beginning as if it were part of its head. */
  headStartBytes: 4 * 1024,
  /** Tunnel: control message from hub to agent (the tunnel's configuration), in bytes. */
  tunnelConfigBytes: 16 * 1024 * 1024,
  /** Tunnel: control message from agent to hub (a health report, a signing request), in bytes. */
  reportBytes: 128 * 1024,
  /** Tunnel: WebSocket message that a hub puts together for a client, in bytes. */
  webSocketMessageBytes: 4 * 1024 * 1024,
  /** Tunnel: messages of a client's WebSocket that wait in a hub for a slow endpoint, in bytes. */
  webSocketBacklogBytes: 8 * 1024 * 1024,
  /** Tunnel: request or response head, in bytes after encoding. */
  headBytes: 60 * 1024,
  /** Informational answers (1xx) to one request. */
  informationalHeads: 16,
  /** Tunnel: header fields of one head. */
  fieldsPerHead: 1_024,
  /** Port forwarding: names that one backend allows. */
  forwardersPerBackend: 1_024,
  /** Port forwarding: clients of one hub object. */
  forwardersPerHub: 64,
  /** Port forwarding: connections of one client. */
  connectionsPerForwarder: 256,
  /** Port forwarding: how often the control is asked whether a client still may. */
  forwardRecheckMs: 5_000,
  /** Port forwarding: longest that one agent may take to connect to one endpoint. */
  forwardConnectMs: 10_000,
  /** How long a gateway may use a connection to a hub's process again: workerd's five seconds, and one (decision 0011). */
  keptConnectionMs: 6_000,
  /** Tunnel: connections one hub object accepts. */
  connectionsPerHub: 256,
  /** Of those, connections that have not proved who they are yet. */
  unauthenticatedPerHub: 64,
  /** Hub objects of one tunnel; an agent connects to each. */
  hubsPerTunnel: 2,
  /** Time an agent has to answer the gateway's challenge. */
  handshakeTimeoutMs: 10_000,
  /** Heartbeat between a gateway isolate and its region's state object. */
  syncIntervalMs: 1_000,
  /** The same where the health of an endpoint may have changed meanwhile. */
  syncSoonestMs: 250,
  /** How long a heartbeat is held for news, by region and control: a little less than the interval (decision 0019). */
  syncHoldMs: 900,
  /** Longest that anybody may ask for. */
  longestHoldMs: 25_000,
  /** Heartbeats that one object holds; beyond, they are answered at once. */
  heldCalls: 4_096,
  /** An isolate that has not heard from the state object for this long asks before it answers the next request. */
  syncStaleMs: 1_500,
  /** Longest a request waits for that answer; then the last good snapshot serves. */
  syncWaitMs: 500,
  /** RateLimiter objects of a region, over which keys are spread by hash. */
  rateLimiters: 16,
  /** Keys that an isolate keeps leases, or local counts, of; each kind. */
  limitKeysPerIsolate: 20_000,
  limitKeysBytes: 24 * 1024 * 1024,
  /** Connections of a listener that wait until its limits have room, in one process; more are closed. */
  waitingConnections: 4_096,
  /** Requests and connections that wait for an endpoint of one backend, in one process; more are refused. */
  waitingForEndpoints: 4_096,
  /** Keys that one RateLimiter keeps in memory. */
  limitKeysPerLimiter: 100_000,
  limiterKeysBytes: 48 * 1024 * 1024,
  /** Keys of long windows that one RateLimiter keeps on disk. */
  storedLimitKeys: 200_000,
  /** What one call to a RateLimiter carries at most, of each kind. */
  asksPerLimiterCall: 512,
  /** Asks that wait in an isolate for one RateLimiter; beyond, it counts as unreachable. */
  asksPerLimiter: 8_192,
  /** Longest a request waits for a RateLimiter; then the limit's `onUnavailable` holds for it. */
  limiterWaitMs: 500,
  /** Longest call to a RateLimiter; then it counts as unreachable. */
  limiterCallMs: 1_500,
  /** Snapshot as JSON, in bytes. */
  snapshotBytes: 24 * 1024 * 1024,
  /** Admin API request body, in bytes. */
  adminBodyBytes: 32 * 1024 * 1024,
} as const;
