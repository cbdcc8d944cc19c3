// What becomes of each keyword, section by section (docs/haproxy.md has the policy):
// translated: some part of the importer reads it; operational: it tunes HAProxy's own process, connections or logs,
// which Isthmus handles its own way, so nothing is said; ignored: a warning; unsupported: an error.

export type Policy =
  | { readonly kind: "translated" | "operational" }
  | { readonly kind: "ignored" | "unsupported"; readonly message: string; readonly remedy?: string };

export type PolicyTable = ReadonlyMap<string, Policy>;

const translated: Policy = { kind: "translated" };
const operational: Policy = { kind: "operational" };
const ignored = (message: string, remedy?: string): Policy => ({
  kind: "ignored",
  message,
  ...(remedy !== undefined && { remedy }),
});
const unsupported = (message: string, remedy?: string): Policy => ({
  kind: "unsupported",
  message,
  ...(remedy !== undefined && { remedy }),
});

/** Of tables that rules count in. */
const counting = "sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 sc-add-gpc";

/** Gone since HAProxy 2.1, but not from the files. */
const removed = (instead: string): Policy =>
  unsupported("HAProxy has not known this since 2.1", `Use ${instead}.`);

function table(
  translatedNames: string,
  operationalNames: string,
  others: Readonly<Record<string, Policy>> = {},
): PolicyTable {
  const names = (text: string): string[] => text.split(/\s+/).filter((name) => name !== "");
  return new Map([
    ...names(translatedNames).map((name) => [name, translated] as const),
    ...names(operationalNames).map((name) => [name, operational] as const),
    ...Object.entries(others),
  ]);
}

export const globalKeywords = table(
  "ca-base crt-base maxconn set-var set-var-fmt ssl-server-verify ssl-default-bind-options ssl-default-server-options",
  `chroot close-spread-time cluster-secret cpu-map cpu-policy cpu-set daemon description
  deviceatlas-json-file expose-deprecated-directives expose-experimental-directives external-check
  fd-hard-limit gid grace group h1-accept-payload-with-any-method h1-case-adjust h1-case-adjust-file
  h1-do-not-close-on-insecure-transfer-encoding h2-workaround-bogus-websocket-clients hard-stop-after
  httpclient.resolvers.disabled httpclient.resolvers.id httpclient.resolvers.prefer httpclient.retries
  httpclient.ssl.ca-file httpclient.ssl.verify httpclient.timeout.connect insecure-fork-wanted
  insecure-setuid-wanted key-base limited-quic localpeer log log-send-hostname log-tag
  lua-load lua-load-per-thread lua-prepend-path master-worker maxcompcpuusage maxcomprate maxconnrate
  maxpipes maxsessrate maxsslconn maxsslrate maxzlibmem mworker-max-reloads mworker-prealloc node nbproc
  nbthread no-memory-trimming no-quic noepoll noevports nogetaddrinfo nokqueue nopoll noreuseport nosplice
  numa-cpu-mapping ocsp-update.disable ocsp-update.httpproxy ocsp-update.maxdelay ocsp-update.mindelay
  ocsp-update.mode pidfile pp2-never-send-local presetenv prealloc-fd profiling.memory profiling.tasks
  quic-force-retry resetenv server-state-base server-state-file set-dumpable setcap setenv
  shm-stats-file spread-checks ssl-default-bind-ciphers ssl-default-bind-ciphersuites
  ssl-default-bind-client-sigalgs ssl-default-bind-curves ssl-default-bind-sigalgs
  ssl-default-server-ciphers ssl-default-server-ciphersuites ssl-dh-param-file
  ssl-engine ssl-load-extra-del-ext ssl-load-extra-files ssl-mode-async ssl-propquery ssl-provider
  ssl-provider-path ssl-security-level ssl-skip-self-issued-ca stats strict-limits
  thread-group thread-groups thread-hard-limit uid ulimit-n unix-bind unsetenv user warn-blocked-traffic-after
  wurfl-cache-size wurfl-data-file wurfl-engine-mode wurfl-information-list wurfl-information-list-separator
  wurfl-patch-file zero-warning busy-polling 51degrees-allow-unmatched 51degrees-difference 51degrees-drift
  51degrees-use-performance-graph 51degrees-use-predictive-graph cpu-affinity deviceatlas-log-level
  deviceatlas-properties-cookie deviceatlas-separator dns-accept-family jwt.decrypt_alg_list jwt.decrypt_enc_list
  max-threads-per-group ssl-default-server-client-sigalgs ssl-default-server-curves ssl-default-server-sigalgs
  stats-file max-spread-checks noktls debug.counters force-cfg-parser-pause quiet anonkey harden.reject-privileged-ports.quic
  harden.reject-privileged-ports.tcp 51degrees-cache-size 51degrees-data-file 51degrees-property-name-list
  51degrees-property-separator acme.scheduler http-err-codes http-fail-codes shm-stats-file-max-objects
  stress-level`,
  {
    "default-path": ignored("relative names of files count from the folder of this file"),
    "issuers-chain-path": ignored(
      "certificates are shown without those of their issuers",
      "Put the whole chain into the certificate's file.",
    ),
    "ssl-passphrase-cmd": ignored(
      "no program is asked for the password of a key",
      "Store the key without one.",
    ),
  },
);

/** Keywords of `defaults`, `frontend`, `backend` and `listen`. Those of {@link nested} are looked up there. */
export const proxyKeywords = table(
  `acl balance bind compression cookie dynamic-cookie-key default-server default_backend filter hash-type http-check http-request http-response
  http-after-response mode monitor-uri option redirect retries server stats tcp-request tcp-response timeout use_backend
  disabled enabled hash-balance-factor tcp-check retry-on stick stick-table server-template use-server errorfile errorfiles errorloc errorloc302
  errorloc303 http-error monitor maxconn fullconn rate-limit unique-id-format unique-id-header capture declare`,
  `backlog clitcpka-cnt clitcpka-idle clitcpka-intvl description error-log-format guid id
  load-server-state-from-file log log-format log-format-sd log-steps log-tag max-keep-alive-queue
  server-state-file-name srvtcpka-cnt srvtcpka-idle srvtcpka-intvl
  filter-sequence quic-initial max-session-srv-conns http-reuse external-check`,
  {
    "monitor-net": unsupported(
      "HAProxy has not known this since 2.0",
      "Use `http-request return status 200 if { src <network> }`.",
    ),
    "email-alert": ignored("no mail is sent"),
    source: ignored("connections to servers leave from the address that the system picks"),
    persist: ignored("remote desktops are not bound to a server by their cookie", "Use `balance source`."),
    "hash-preserve-affinity": ignored("a server that is full keeps its requests waiting"),
    "be-unpublished": unsupported("the backend gets its requests", "Remove it, or the rules that use it."),
    "ssl-f-use": unsupported(
      "certificates are named where they are used",
      "Write `crt` with the file on `bind`.",
    ),
    "use-fcgi-app": unsupported("FastCGI is not spoken here"),
    dispatch: unsupported("the address is not a server", "Declare it with `server`."),
    "force-persist": ignored("endpoints that are down get no requests"),
    "ignore-persist": ignored("persistence does not depend on conditions"),
    "force-be-switch": ignored("backends cannot be disabled here"),
    "http-send-name-header": ignored("the server's name is not sent to it"),
    "bind-process": operational,
    reqadd: removed("http-request add-header"),
    reqallow: removed("http-request allow"),
    reqiallow: removed("http-request allow"),
    reqdel: removed("http-request del-header"),
    reqidel: removed("http-request del-header"),
    reqdeny: removed("http-request deny"),
    reqideny: removed("http-request deny"),
    reqrep: removed("http-request replace-path or set-header"),
    reqirep: removed("http-request replace-path or set-header"),
    reqpass: removed("http-request allow"),
    reqtarpit: removed("http-request tarpit"),
    reqitarpit: removed("http-request tarpit"),
    rspadd: removed("http-response add-header"),
    rspdel: removed("http-response del-header"),
    rspidel: removed("http-response del-header"),
    rspdeny: removed("http-response deny"),
    rsprep: removed("http-response set-header"),
    rspirep: removed("http-response set-header"),
    block: removed("http-request deny"),
    redisp: removed("option redispatch"),
    contimeout: removed("timeout connect"),
    clitimeout: removed("timeout client"),
    srvtimeout: removed("timeout server"),
    appsession: removed("cookie"),
    transparent: unsupported("the client's destination is not known here", "Declare servers."),
  },
);

const logging = "the format of logs is Isthmus' own";

export const optionKeywords = table(
  `forwardfor httpchk tcp-check redispatch mysql-check pgsql-check redis-check smtpchk ldap-check
  ssl-hello-chk external-check allbackups`,
  `abortonclose accept-invalid-http-request accept-invalid-http-response accept-unsafe-violations-in-http-request
  accept-unsafe-violations-in-http-response clitcpka contstats disable-h2-upgrade dontlog-normal
  dontlognull forwarded http-buffer-request
  http-ignore-probes http-keep-alive http-no-delay http-pretend-keepalive http-server-close httpclose
  http-use-htx httplog httpslog idle-close-on-response independent-streams log-health-checks
  log-separate-errors logasap nolinger persist prefer-last-server socket-stats splice-auto
  splice-request splice-response srvtcpka tcp-smart-accept tcp-smart-connect tcpka tcplog
  use-small-buffers http-drop-request-trailers http-drop-response-trailers`,
  {
    clf: ignored(logging),
    checkcache: ignored("responses with cookies that caches may keep are let through"),
    "h1-case-adjust-bogus-client": ignored("the case of header names is not adjusted"),
    "h1-case-adjust-bogus-server": ignored("the case of header names is not adjusted"),
    originalto: ignored("servers are not told which address the client connected to"),
    transparent: unsupported("the client's destination is not known here", "Declare servers."),
    http_proxy: unsupported("requests are not forwarded to the host that they name", "Declare servers."),
    "spop-check": ignored("the agents' health is not checked"),
    "http-restrict-req-hdr-names": ignored(
      "headers with other characters than letters, digits and dashes in their names are let through",
      "Remove those that matter with `http-request del-header`.",
    ),
    "use-proxy-header": unsupported("proxy headers are not read here"),
    "http-use-proxy-header": operational,
    nolinger: operational,
  },
);

export const timeoutKeywords = table(
  "check client tarpit connect server tunnel queue",
  "client-fin client-hs http-keep-alive http-request server-fin clitimeout",
);

export const statsKeywords = table(
  "enable uri refresh auth realm",
  "hide-version show-desc show-legends show-modules show-node show-version",
  {
    admin: ignored("endpoints are administered through the Admin API"),
    scope: ignored("the page shows all backends"),
    "http-request": unsupported(
      "who may see the statistics is not told by these rules",
      "Write `http-request` rules.",
    ),
  },
);

export const requestActions = table(
  `allow deny tarpit reject silent-drop return redirect set-header add-header del-header replace-header replace-value set-path replace-path
  set-query set-uri set-pathq replace-uri replace-pathq set-var set-var-fmt unset-var auth use-service track-sc0 track-sc1 track-sc2 track-sc capture ${counting}`,
  `set-log-level set-nice set-tos set-mark set-fc-mark set-fc-tos set-bc-mark set-bc-tos
  wait-for-handshake wait-for-body normalize-uri strict-mode set-priority-class set-priority-offset
  do-log`,
  {
    "disable-l7-retry": ignored("what is retried depends on `retry-on` alone"),
    "early-hint": ignored("the hint is not sent"),
    "set-retries": ignored("the number of retries is the same for all requests of a rule"),
    "add-headers-bin": ignored("headers are not read from binary texts"),
    "set-headers-bin": unsupported("headers are not read from binary texts", "Use set-header."),
    "del-headers-bin": unsupported("headers are not read from binary texts", "Use del-header."),
    "set-timeout": ignored("timeouts are the same for all requests of a rule"),
    "cache-use": ignored("nothing is served from a cache"),
    "cache-store": ignored("nothing is kept in a cache"),
    "set-method": unsupported("the method cannot be changed"),
    "set-src": unsupported(
      "the client's address is not taken from a header",
      "Set clientIPDetection in a native file.",
    ),
    "set-src-port": operational,
    "set-dst": unsupported("the server's address cannot be changed"),
    "set-dst-port": unsupported("the server's port cannot be changed"),
    "send-spoe-group": unsupported("there are no stream processing agents"),
    "do-resolve": unsupported("names are not resolved by rules"),
    "add-acl": unsupported("ACLs cannot change while they are used"),
    "del-acl": unsupported("ACLs cannot change while they are used"),
    "set-map": unsupported("maps cannot change while they are used"),
    "del-map": unsupported("maps cannot change while they are used"),
    "set-bandwidth-limit": ignored("the bandwidth is not limited"),
    pause: ignored("requests are not delayed"),
  },
);

const responseActions = table(
  `allow set-header add-header del-header replace-header replace-value set-status set-var set-var-fmt unset-var deny return redirect ${counting}`,
  `capture set-log-level set-nice set-tos set-mark set-fc-mark set-fc-tos strict-mode track-sc0 track-sc1 track-sc2
  track-sc do-log wait-for-body`,
  {
    "cache-store": ignored("nothing is kept in a cache"),
    "add-headers-bin": ignored("headers are not read from binary texts"),
    "set-headers-bin": ignored("headers are not read from binary texts"),
    "del-headers-bin": ignored("headers are not read from binary texts"),
    "send-spoe-group": ignored("there are no stream processing agents"),
    "silent-drop": unsupported("what a server sends reaches the client", "Use deny."),
    "set-timeout": ignored("timeouts are the same for all requests of a rule"),
    "set-bandwidth-limit": ignored("the bandwidth is not limited"),
    pause: ignored("responses are not delayed"),
    "add-acl": unsupported("ACLs cannot change while they are used"),
    "del-acl": unsupported("ACLs cannot change while they are used"),
    "set-map": unsupported("maps cannot change while they are used"),
    "del-map": unsupported("maps cannot change while they are used"),
  },
);

/** Nothing is refused any more. */
const afterResponseActions: PolicyTable = new Map(
  [...responseActions].filter(([name]) => !["deny", "return", "redirect"].includes(name)),
);

export const tcpRequestLayers = table("connection session content inspect-delay", "");

const tcpActions = table(
  "accept reject silent-drop expect-proxy track-sc0 track-sc1 track-sc2 track-sc set-var set-var-fmt unset-var " +
    counting,
  `capture set-nice set-tos set-mark set-fc-mark set-fc-tos set-bc-mark set-bc-tos set-log-level set-src-port
  set-priority-class set-priority-offset set-bandwidth-limit do-log`,
  {
    "expect-netscaler-cip": unsupported(
      "NetScaler's header in front of the connection is not read",
      "Let the NetScaler send the PROXY protocol, and write `accept-proxy`.",
    ),
    "set-src": unsupported(
      "the client's address is not taken from elsewhere",
      "Set clientIPDetection in a native file.",
    ),
    "set-dst": unsupported("the server's address cannot be changed"),
    "set-dst-port": unsupported("the server's port cannot be changed"),
    "do-resolve": unsupported("names are not resolved by rules"),
    "use-service": unsupported("there are no services of Lua or other code"),
    "send-spoe-group": unsupported("there are no stream processing agents"),
    "switch-mode": unsupported("a connection keeps its protocol"),
    "attach-srv": unsupported("servers do not open the connections to themselves"),
    "set-retries": ignored("the number of attempts is the same for all connections of a route"),
  },
);

const tcpResponseLayers = table("content", "inspect-delay");

const tcpResponseActions = table(
  "",
  `accept set-bandwidth-limit set-fc-mark set-fc-tos
  set-log-level set-mark set-nice set-tos do-log`,
  {
    ...Object.fromEntries(
      counting.split(" ").map((name) => [name, ignored("what servers send on connections is not counted")]),
    ),
    reject: unsupported(
      "what a server sends reaches the client",
      "Where that is HTTP, refuse it with `http-response`.",
    ),
    "silent-drop": unsupported(
      "what a server sends reaches the client",
      "Where that is HTTP, refuse it with `http-response`.",
    ),
    close: unsupported(
      "what a server sends reaches the client",
      "Where that is HTTP, refuse it with `http-response`.",
    ),
    "set-var": ignored("nothing reads what was set by what a server sends"),
    "set-var-fmt": ignored("nothing reads what was set by what a server sends"),
    "unset-var": ignored("nothing reads what was set by what a server sends"),
    "send-spoe-group": ignored("there are no stream processing agents"),
  },
);

/** Keywords with a layer between them and the action. */
export const layered: Readonly<Record<string, PolicyTable>> = {
  "tcp-request": tcpActions,
  "tcp-response": tcpResponseActions,
};

const compressionSettings = table("algo algo-res type type-res direction minsize-res offload", "", {
  "algo-req": ignored("requests are not compressed"),
  "type-req": ignored("requests are not compressed"),
  "minsize-req": ignored("requests are not compressed"),
});

const unrun = ignored("the filter does not run here");

/** Where `compression` runs among other filters. */
const filters = table("", "compression", {
  "bwlim-in": unrun,
  "bwlim-out": unrun,
  cache: unrun,
  "fcgi-app": unrun,
  opentracing: unrun,
  spoe: unrun,
  trace: unrun,
});

export const userListKeywords = table("user group", "");

export const errorSectionKeywords = table("errorfile", "");

/** First words whose second word is the keyword proper. */
export const nested: Readonly<Record<string, PolicyTable>> = {
  option: optionKeywords,
  timeout: timeoutKeywords,
  stats: statsKeywords,
  "http-request": requestActions,
  "http-response": responseActions,
  "http-after-response": afterResponseActions,
  "tcp-request": tcpRequestLayers,
  "tcp-response": tcpResponseLayers,
  compression: compressionSettings,
  filter: filters,
};

/** Sections whose statements are not read, and what is lost with them. */
export const otherSections: Readonly<Record<string, Policy>> = {
  peers: ignored("there are no stick tables to share"),
  resolvers: ignored(
    "names of servers are resolved by the system",
    "Nothing to do when the system's resolver knows them.",
  ),
  mailers: ignored("no mail is sent"),
  cache: ignored("nothing is kept in a cache"),
  ring: operational,
  "log-forward": ignored("logs are not forwarded"),
  program: ignored("the program is not started", "Start it by other means."),
  "fcgi-app": operational,
  healthcheck: ignored(
    "the check is not run as it is written here",
    "Write it in the backend with `option httpchk`.",
  ),
  traces: operational,
  "log-profile": operational,
  "crt-store": unsupported(
    "certificates are named where they are used",
    "Write `crt` with the file on `bind`.",
  ),
  acme: unsupported("certificates are not ordered here", "Write `crt` with the file on `bind`."),
};
