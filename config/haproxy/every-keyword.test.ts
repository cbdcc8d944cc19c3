// Each keyword that HAProxy has (those of its sources up to 3.4, as `haproxy -dKall` prints them) is honoured, or said
// to be lost, or only tunes HAProxy itself: nothing else is passed over without a word.
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";
import { globalKeywords, nested, optionKeywords, proxyKeywords, layered } from "./keyword-policy.ts";

type Outcome = "nothing" | "warning" | "error";

function outcome(content: string): Outcome {
  const { diagnostics } = loadConfig([{ name: "haproxy.cfg", content }]);
  const unknown = diagnostics.filter(({ message }) => /no keyword here|is no option/.test(message));
  expect(unknown).toEqual([]);
  if (diagnostics.some(({ severity }) => severity === "error")) return "error";
  return diagnostics.length > 0 ? "warning" : "nothing";
}

/** Options with their arguments; a comma stands between two of them. */
const serverOptions: Readonly<Record<string, readonly [outcome: Outcome, options: string]>> = {
  "what is honoured": [
    "nothing",
    `backup, check, cookie a, downinter 5s, enabled, error-limit 3, fall 2, fastinter 1s, inter 3s, no-backup,
    no-check, no-send-proxy, no-send-proxy-v2, no-ssl, check observe layer7, on-error mark-down, port 81, rise 2, slowstart 5s,
    weight 3, proto h2, alpn h2, init-state up, check-sni-auto, hash-key id, id 7, check addr 10.0.0.9,
    check check-send-proxy, check-sni x`,
  ],
  "what has no part in where requests go": [
    "nothing",
    `allow-0rtt, cc cubic, check-pool-conn-name x, check-reuse-pool, ciphers x, ciphersuites x, client-sigalgs x,
    curves x, guid x, idle-ping 3s, init-addr none, ktls on, log-bufsize 1, log-proto octet-count, max-reuse 3,
    no-agent-check, no-check-reuse-pool, no-check-send-proxy, no-check-sni-auto, no-check-ssl, no-renegotiate,
    no-send-proxy-v2-ssl, no-send-proxy-v2-ssl-cn, no-sni-auto, no-ssl-reuse, no-tfo, no-tls-tickets, non-stick, npn h2,
    pool-conn-name x, pool-low-conn 1, pool-max-conn 1, pool-purge-delay 1s, quic-cc-algo cubic, renegotiate,
    resolve-net 10.0.0.0/8, resolve-opts x, resolve-prefer ipv4, resolvers x, shard 1, sigalgs x, sni-auto,
    ssl-max-ver TLSv1.3, ssl-min-ver TLSv1.2, no-sslv3, no-tlsv10, no-tlsv11, ssl-reuse, stick, tcp-ut 3s, tfo,
    tls-tickets, ws h1`,
  ],
  "what is lost, and harmless": [
    "warning",
    `disabled, hash-key addr, agent-check agent-port 9, check check-ssl, check-alpn h2, check-proto h2,
    force-sslv3, force-tlsv10, force-tlsv11, force-tlsv12, force-tlsv13, init-state down, no-tlsv12,
    no-tlsv13, on-marked-down shutdown-sessions, on-marked-up shutdown-backup-sessions, source 10.0.0.7,
    proxy-v2-options unique-id, set-proxy-v2-tlv-fmt(0xE1) %[fe_name], source 10.0.0.7 usesrc clientip, source 0.0.0.0 interface eth0, ssl verify none, ssl-max-ver TLSv1.2,
    ssl-min-ver TLSv1.1, ssl-min-ver TLSv1.3, tcp-md5sig x`,
  ],
  "what would send requests elsewhere": [
    "error",
    "namespace blue, redir http://a, socks4 10.0.0.1:1080, ssl crl-file x",
  ],
};

const bindOptions: typeof serverOptions = {
  "what is honoured": ["nothing", "accept-proxy, verify none, proto h1"],
  "what has no part in who gets in": [
    "nothing",
    `allow-0rtt, alpn h2, backlog 9, cc cubic, ciphers x, ciphersuites x, client-sigalgs x, curves x, defer-accept,
    ecdhe x, ech x, expose-fd listeners, gid 1, group x, guid-prefix x, id 3, idle-ping 3s, ktls on, label x, level user,
    mode 600, mss 1400, name x, nbconn 1, nice 1, no-alpn, no-ca-names, no-strict-sni, no-tls-tickets, npn h2,
    prefer-client-ciphers, process 1, quic-cc-algo cubic, quic-force-retry, quic-socket listener, severity-output number,
    shards 1, sigalgs x, ssl-max-ver TLSv1.3, ssl-min-ver TLSv1.2, no-sslv3, no-tlsv10, no-tlsv11, tcp-ss 1, tcp-ut 3s,
    tfo, thread 1, tls-ticket-keys x, tls-tickets, uid 1, user x, v4v6, v6only`,
  ],
  "what is lost, and harmless": [
    "warning",
    `ca-ignore-err all, crt-ignore-err all, force-tlsv10, force-tlsv12, force-tlsv13, generate-certificates, no-tlsv12,
    no-tlsv13, ssl-max-ver TLSv1.2, ssl-min-ver TLSv1.3, strict-sni, tcp-md5sig x, transparent`,
  ],
  "what would let others in": [
    "error",
    "accept-netscaler-cip 1, interface eth0, namespace blue, proto x, ssl crt-list x",
  ],
};

const cases = (table: typeof serverOptions) =>
  Object.entries(table).flatMap(([, [expected, options]]) =>
    options.split(",").map((option) => [option.trim().replace(/\s+/g, " "), expected] as const),
  );

test.each(cases(serverOptions))("server … %s: %s", (options, expected) => {
  const servers = (keyword: string) => `listen l\n mode http\n bind :8080\n ${keyword} ${options}\n`;
  expect(outcome(servers("server s 10.0.0.1:80"))).toBe(expected);
});

test.each(cases(bindOptions))("bind … %s: %s", (options, expected) => {
  const frontend = `frontend f\n mode http\n bind :8080 ${options}\n default_backend b\n`;
  expect(outcome(`${frontend}backend b\n mode http\n server s 10.0.0.1:80\n`)).toBe(expected);
});

const globals = `acme.scheduler ca-base chroot close-spread-time cpu-affinity cpu-map cpu-policy cpu-set crt-base daemon
  debug.counters default-path dns-accept-family expose-deprecated-directives expose-experimental-directives
  force-cfg-parser-pause grace h1-accept-payload-with-any-method h1-case-adjust h1-case-adjust-file
  h1-do-not-close-on-insecure-transfer-encoding hard-stop-after harden.reject-privileged-ports.quic
  harden.reject-privileged-ports.tcp http-err-codes http-fail-codes issuers-chain-path jwt.decrypt_alg_list
  jwt.decrypt_enc_list key-base localpeer log lua-load lua-load-per-thread lua-prepend-path master-worker maxconn
  max-threads-per-group maxsslconn mworker-max-reloads nbproc nbthread no-memory-trimming noepoll noevports nokqueue
  noktls nopoll pidfile pp2-never-send-local prealloc-fd presetenv quiet resetenv set-var set-var-fmt setcap setenv
  shm-stats-file shm-stats-file-max-objects ssl-default-bind-ciphers ssl-default-bind-ciphersuites
  ssl-default-bind-client-sigalgs ssl-default-bind-curves ssl-default-bind-options ssl-default-bind-sigalgs
  ssl-default-server-ciphers ssl-default-server-ciphersuites ssl-default-server-client-sigalgs
  ssl-default-server-curves ssl-default-server-options ssl-default-server-sigalgs ssl-dh-param-file ssl-engine
  ssl-load-extra-del-ext ssl-load-extra-files ssl-mode-async ssl-passphrase-cmd ssl-propquery ssl-provider
  ssl-provider-path ssl-security-level ssl-server-verify ssl-skip-self-issued-ca stats stress-level thread-group
  thread-groups thread-hard-limit ulimit-n unsetenv user warn-blocked-traffic-after zero-warning`;

const proxies = `acl backlog balance be-unpublished bind bind-process capture clitcpka-cnt clitcpka-idle clitcpka-intvl
  clitimeout compression contimeout cookie declare default-server default_backend description disabled dispatch
  dynamic-cookie-key email-alert enabled error-log-format errorfile errorfiles errorloc errorloc302 errorloc303
  external-check filter filter-sequence force-be-switch force-persist fullconn guid hash-balance-factor
  hash-preserve-affinity hash-type http-after-response http-check http-error http-request http-response http-reuse
  http-send-name-header id ignore-persist load-server-state-from-file log log-format log-format-sd log-steps log-tag
  max-keep-alive-queue max-session-srv-conns maxconn mode monitor monitor-net monitor-uri option persist quic-initial
  rate-limit redirect retries retry-on server server-state-file-name server-template source srvtcpka-cnt srvtcpka-idle
  srvtcpka-intvl srvtimeout ssl-f-use stats stick stick-table tcp-check tcp-request tcp-response timeout transparent
  unique-id-format unique-id-header use-fcgi-app use-server use_backend`;

const options = `abortonclose accept-invalid-http-request accept-invalid-http-response
  accept-unsafe-violations-in-http-request accept-unsafe-violations-in-http-response allbackups checkcache clitcpka
  contstats disable-h2-upgrade dontlog-normal dontlognull external-check forwarded forwardfor
  h1-case-adjust-bogus-client h1-case-adjust-bogus-server http-buffer-request http-drop-request-trailers
  http-drop-response-trailers http-ignore-probes http-keep-alive http-no-delay http-pretend-keepalive
  http-restrict-req-hdr-names http-server-close http-use-proxy-header httpchk httpclose httplog httpslog
  idle-close-on-response independent-streams ldap-check log-health-checks log-separate-errors logasap mysql-check
  nolinger originalto persist pgsql-check prefer-last-server redis-check redispatch smtpchk socket-stats splice-auto
  splice-request splice-response spop-check srvtcpka ssl-hello-chk tcp-check tcp-smart-accept tcp-smart-connect tcpka
  tcplog transparent`;

const counters = "sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 do-log";
const variables = "set-var set-var-fmt unset-var";
const http = `${counters} ${variables} add-acl add-header add-headers-bin allow capture del-acl del-header del-headers-bin
  del-map deny pause redirect replace-header replace-value return send-spoe-group set-bandwidth-limit set-fc-mark
  set-fc-tos set-header set-headers-bin set-log-level set-map set-mark set-nice set-timeout set-tos silent-drop strict-mode
  track-sc0 wait-for-body`;
const tcp = `${counters} ${variables} set-fc-mark set-fc-tos set-mark set-tos silent-drop`;

const actions: Readonly<Record<string, string>> = {
  "http-request": `${http} auth cache-use disable-l7-retry do-resolve early-hint normalize-uri reject replace-path
    replace-pathq replace-uri set-bc-mark set-bc-tos set-dst set-dst-port set-method set-path set-pathq set-priority-class
    set-priority-offset set-query set-retries set-src set-src-port set-uri tarpit use-service wait-for-handshake`,
  "http-response": `${http} cache-store set-status`,
  "http-after-response": `${counters} ${variables} add-header add-headers-bin allow capture del-acl del-header
    del-headers-bin del-map replace-header replace-value set-header set-headers-bin set-log-level set-map set-status
    strict-mode`,
};

const connectionActions: Readonly<Record<string, string>> = {
  "tcp-request": `${tcp} accept attach-srv do-resolve expect-proxy reject send-spoe-group set-bandwidth-limit set-bc-mark
    set-bc-tos set-dst set-dst-port set-log-level set-nice set-priority-class set-priority-offset set-retries set-src
    set-src-port switch-mode track-sc0 use-service`,
  "tcp-response": `${tcp} accept close reject send-spoe-group set-bandwidth-limit set-log-level set-nice`,
};

test("counters are tracked under any number", () => {
  const frontend = "frontend f\n mode http\n bind :80\n default_backend b\n http-request track-sc9 src\n";
  expect(outcome(`${frontend}backend b\n mode http\n server s 10.0.0.1:80\n`)).toBe("nothing");
});

test.each([
  ["global", globals, globalKeywords],
  ["a proxy", proxies, proxyKeywords],
  ["option", options, optionKeywords],
  ...Object.entries(actions).map(([keyword, names]) => [keyword, names, nested[keyword]!] as const),
  ...Object.entries(connectionActions).map(
    ([keyword, names]) => [keyword, names, layered[keyword]!] as const,
  ),
] as const)("all keywords of %s are known", (_, names, table) => {
  expect(names.split(/\s+/).filter((name) => !table.has(name))).toEqual([]);
});
