// `test/e2e` of ingress-nginx, `settings` that tune nginx, its logs and its handshakes.
import { preset, refusedSetting, tuned } from "./states.ts";
import { upstreamFile, type State, type UpstreamFile } from "./upstream-test.ts";

const switched = (name: string, text = "should be"): Record<string, State> => ({
  [`${text} enabled by default`]: preset(),
  [`${text} enabled when set${name === "enable-aio-write" ? "ting is" : " to"} true`]: preset({
    [name]: "true",
  }),
  [`${text} disabled when set${name === "enable-aio-write" ? "ting is" : " to"} false`]: tuned({
    [name]: "false",
  }),
});

const tuning = [
  upstreamFile("settings/aio_write.go", switched("enable-aio-write")),
  upstreamFile("settings/multi_accept.go", switched("enable-multi-accept")),
  upstreamFile("settings/hash-size.go", {
    "Check server names hash size: should set server_names_hash_bucket_size": tuned({
      "server-name-hash-bucket-size": "512",
    }),
    "Check server names hash size: should set server_names_hash_max_size": tuned({
      "server-name-hash-max-size": "4096",
    }),
    "Check proxy header hash size: should set proxy-headers-hash-bucket-size": tuned({
      "proxy-headers-hash-bucket-size": "512",
    }),
    "Check proxy header hash size: should set proxy-headers-hash-max-size": tuned({
      "proxy-headers-hash-max-size": "4096",
    }),
    "Check the variable hash size: should set variables-hash-bucket-size": tuned({
      "variables-hash-bucket-size": "512",
    }),
    "Check the variable hash size: should set variables-hash-max-size": tuned({
      "variables-hash-max-size": "512",
    }),
    "Check the map hash size: should set vmap-hash-bucket-size": tuned({ "map-hash-bucket-size": "512" }),
  }),
  upstreamFile("settings/keep-alive.go", {
    "Check the keep alive: should set keepalive_timeout": tuned({ "keep-alive": "140" }),
    "Check the keep alive: should set keepalive_requests": tuned({ "keep-alive-requests": "200" }),
    "Check the upstream keep alive: should set keepalive connection to upstream server": tuned({
      "upstream-keepalive-connections": "128",
    }),
    "Check the upstream keep alive: should set keep alive connection timeout to upstream server": tuned({
      "upstream-keepalive-timeout": "120",
    }),
    "Check the upstream keep alive: should set keepalive time to upstream server": tuned({
      "upstream-keepalive-time": "75s",
    }),
    "Check the upstream keep alive: should set the request count to upstream server through one keep alive connection":
      tuned({ "upstream-keepalive-requests": "200" }),
  }),
  upstreamFile("settings/limit_rate.go", {
    "Check limit-rate config": [tuned({ "limit-rate": "1" }), tuned({ "limit-rate": "90" })],
  }),
  upstreamFile("settings/lua_shared_dicts.go", {
    "configures lua shared dicts": tuned({
      "lua-shared-dicts": "configuration_data:60,certificate_data:300, my_dict: 15 , invalid: 1a",
    }),
  }),
  upstreamFile("settings/global_options.go", {
    "should have worker_rlimit_nofile option": preset(),
    "should have worker_rlimit_nofile option and be independent on amount of worker processes": tuned({
      "worker-processes": "11",
    }),
  }),
  upstreamFile("settings/reuse-port.go", {
    "reuse port should be enabled by default": preset(),
    "reuse port should be disabled": tuned({ "reuse-port": "false" }),
    "reuse port should be enabled": preset({ "reuse-port": "true" }),
  }),
  upstreamFile("settings/ssl_ciphers.go", {
    "Add ssl ciphers": tuned({
      "ssl-ciphers": "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP",
    }),
  }),
  upstreamFile("settings/ssl_session_cache.go", {
    "should have default ssl_session_cache and ssl_session_timeout values": preset(),
    "should disable ssl_session_cache": tuned({ "ssl-session-cache": "false" }),
    "should set ssl_session_cache value": tuned({ "ssl-session-cache-size": "20m" }),
    "should set ssl_session_timeout value": tuned({ "ssl-session-timeout": "30m" }),
  }),
  upstreamFile("settings/ssl_session_tickets.go", {
    "should have default ssl_session_tickets value": preset(),
    "should set ssl_session_tickets value": tuned({ "ssl-session-tickets": "true" }),
    "should set ssl_session_tickets and ssl_session_ticket_key values": tuned({
      "ssl-session-ticket-key": "WW9gcPHgfcrw6DNqY5VE2NjM6gtgUhJ4Vn6ZwRGi/7+A9TNFa4Fvfe1cmlPec9bx",
      "ssl-session-tickets": "true",
    }),
  }),
  upstreamFile("settings/log-format.go", {
    "Check log-format-escape-json and log-format-escape-none: should not configure log-format escape by default":
      preset(),
    "Check log-format-escape-json and log-format-escape-none: should enable the log-format-escape-json":
      tuned({ "log-format-escape-json": "true" }),
    "Check log-format-escape-json and log-format-escape-none: should disable the log-format-escape-json":
      preset({ "log-format-escape-json": "false" }),
    "Check log-format-escape-json and log-format-escape-none: should enable the log-format-escape-none":
      tuned({ "log-format-escape-none": "true" }),
    "Check log-format-escape-json and log-format-escape-none: should disable the log-format-escape-none":
      preset({ "log-format-escape-none": "false" }),
    "Check log-format-upstream with log-format-escape-json and log-format-escape-none: log-format-escape-json enabled":
      tuned({ "log-format-upstream": '"$http_header1"', "log-format-escape-json": "true" }),
    "Check log-format-upstream with log-format-escape-json and log-format-escape-none: log-format default escape":
      tuned({ "log-format-upstream": '"$http_header3"' }),
    "Check log-format-upstream with log-format-escape-json and log-format-escape-none: log-format-escape-none enabled":
      tuned({ "log-format-upstream": '"$http_header5"', "log-format-escape-none": "true" }),
  }),
  upstreamFile("settings/opentelemetry.go", {
    "should not exists opentelemetry directive": preset({ "enable-opentelemetry": "false" }),
    "should exists opentelemetry directive when is enabled": tuned({ "enable-opentelemetry": "true" }),
    "should include opentelemetry_trust_incoming_spans on directive when enabled": tuned({
      "enable-opentelemetry": "true",
      "opentelemetry-trust-incoming-span": "true",
    }),
    "should not exists opentelemetry_operation_name directive when is empty": tuned({
      "enable-opentelemetry": "true",
      "opentelemetry-operation-name": "",
    }),
    "should exists opentelemetry_operation_name directive when is configured": tuned({
      "opentelemetry-operation-name": "HTTP $request_method $uri",
      "enable-opentelemetry": "true",
    }),
  }),
  upstreamFile("settings/main_snippet.go", {
    "should add value of main-snippet setting to nginx config": refusedSetting(
      { "main-snippet": "# main snippet" },
      "text of nginx's configuration is not read here",
    ),
  }),
  upstreamFile("settings/stream_snippet.go", {
    "should add value of stream-snippet via config map to nginx config": refusedSetting(
      { "stream-snippet": "server {listen 8000; proxy_pass 127.0.0.1:80;}" },
      "text of nginx's configuration is not read here",
    ),
  }),
  upstreamFile("settings/modsecurity/modsecurity_snippet.go", {
    "should add value of modsecurity-snippet setting to nginx config": refusedSetting(
      { "enable-modsecurity": "true", "modsecurity-snippet": "# modsecurity snippet" },
      "there is no web application firewall",
    ),
  }),
  upstreamFile(
    "settings/geoip2.go",
    { "should up and running nginx controller using autoreload flag": tuned({ "use-geoip2": "true" }) },
    {
      "should include geoip2 line in config when enabled and db file exists":
        "where clients are is not known; the setting is a warning",
      "should only allow requests from specific countries": "skipped by the suite itself",
    },
  ),
];

export const settingsTuningFiles: readonly UpstreamFile[] = [...tuning];
