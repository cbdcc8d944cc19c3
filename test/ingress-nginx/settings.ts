// `test/e2e` of ingress-nginx, `settings`: the controller's ConfigMap: compression, headers, addresses of clients, who is blocked.
import { configMap } from "./manifests.ts";
import { preset, set, tuned } from "./states.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const accessLog = upstreamFile("settings/access_log.go", {
  "access-log-path: use the default configuration": preset(),
  "access-log-path: use the specified configuration": tuned({ "access-log-path": "/tmp/nginx/access.log" }),
  "http-access-log-path: use the specified configuration": tuned({
    "http-access-log-path": "/tmp/nginx/http-access.log",
  }),
  "stream-access-log-path: use the specified configuration": tuned({
    "stream-access-log-path": "/tmp/nginx/stream-access.log",
  }),
  "http-access-log-path & stream-access-log-path: use the specified configuration": tuned({
    "http-access-log-path": "/tmp/nginx/http-access.log",
    "stream-access-log-path": "/tmp/nginx/stream-access.log",
  }),
});

const badHost = (snippet: string, words: string | undefined, isRefused: boolean): State =>
  set("bad", words === undefined ? {} : { "annotation-value-word-blocklist": words }, {
    ingresses: [{ annotations: { "configuration-snippet": snippet } }, { name: "good", host: "good" }],
    ...(isRefused && { refused: "annotation-value-word-blocklist has" }),
    see: [{ status: isRefused ? 404 : 200 }, { ask: { host: "good" } }],
  });

const badValues = upstreamFile("settings/badannotationvalues.go", {
  "[BAD_ANNOTATIONS] should drop an ingress if there is an invalid character in some annotation": badHost(
    "\n# abc { }",
    "something_forbidden,otherthing_forbidden,{",
    true,
  ),
  "[BAD_ANNOTATIONS] should drop an ingress if there is a forbidden word in some annotation": badHost(
    '\ndefault_type text/plain;\ncontent_by_lua_block {\nngx.say("Hello World")\n}',
    "something_forbidden,otherthing_forbidden,content_by_lua_block",
    true,
  ),
  "[BAD_ANNOTATIONS] should allow an ingress if there is a default blocklist config in place": badHost(
    "\n# bla_by_lua",
    undefined,
    false,
  ),
  "[BAD_ANNOTATIONS] should drop an ingress if there is a custom blocklist config in place and allow others to pass":
    badHost("\n# something_forbidden", "something_forbidden,otherthing_forbidden", true),
});

const compressed = (path: string, encoding: string, answer: string | null): Seen => ({
  ask: { path, headers: { "accept-encoding": encoding } },
  headers: { "content-encoding": answer },
});

const brotli = upstreamFile("settings/brotli.go", {
  "should only compress responses that meet the `brotli-min-length` condition": set(
    "brotli",
    { "enable-brotli": "true", "brotli-types": "application/octet-stream", "brotli-min-length": "24" },
    { see: [compressed("/bytes/24", "br", "br"), compressed("/bytes/23", "br", null)] },
  ),
});

const gzip = (more: Texts, see: readonly Seen[], rest: Partial<State> = {}): State =>
  set("gzip", { "use-gzip": "true", ...more }, { see, ...rest });

const gzipFile = upstreamFile("settings/gzip.go", {
  "should be disabled by default": set("gzip", {}, { see: [compressed("/xml", "gzip", null)] }),
  "should be enabled with default settings": gzip({}, [compressed("/xml", "gzip", "gzip")]),
  "should set gzip_comp_level to 4": gzip({ "gzip-level": "4" }, [compressed("/xml", "gzip", "gzip")]),
  "should set gzip_disable to msie6": gzip(
    { "gzip-disable": "msie6" },
    [compressed("/xml", "gzip", "gzip")],
    { warns: "gzip-disable" },
  ),
  "should set gzip_min_length to 100": gzip(
    { "gzip-min-length": "100", "gzip-types": "application/octet-stream" },
    [compressed("/bytes/99", "gzip", null), compressed("/bytes/100", "gzip", "gzip")],
  ),
  "should set gzip_types to text/html": gzip({ "gzip-types": "text/html" }, [
    compressed("/xml", "gzip", null),
    compressed("/html", "gzip", "gzip"),
  ]),
});

const change = upstreamFile("settings/configmap_change.go", {
  "should reload after an update in the configuration": [
    set("configmap-change", { "whitelist-source-range": "1.1.1.1" }, { see: [{ status: 403 }] }),
    set(
      "configmap-change",
      { "whitelist-source-range": "127.0.0.1", "error-log-level": "debug" },
      { says: "error-log-level" },
    ),
  ],
});

const headed = (name: string, headers: Texts): State =>
  set(
    "custom-header",
    { "add-headers": `default/${name}` },
    {
      objects: [configMap(name, headers)],
      see: [
        {
          headers: Object.fromEntries(
            Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
          ),
        },
      ],
    },
  );

const addHeaders = upstreamFile("settings/custom_header.go", {
  "Add a custom header": headed("add-headers-configmap", { "X-A-Custom-Header": "customHeaderValue" }),
  "Add multiple custom headers": headed("add-headers-configmap-two", {
    "X-First": "Prepare for trouble!",
    "X-Second": "And make it double!",
  }),
});

const claimed = {
  "x-forwarded-port": "1234",
  "x-forwarded-proto": "myproto",
  "x-forwarded-scheme": "myproto",
  "x-forwarded-for": "1.2.3.4",
  "x-forwarded-host": "myhost",
};
const unbelieved = (host: string): Seen => ({
  ask: { headers: claimed },
  seen: {
    headers: {
      host,
      "x-forwarded-host": host,
      "x-forwarded-port": "80",
      "x-forwarded-proto": "http",
      "x-forwarded-scheme": "http",
      "x-forwarded-for": "127.0.0.1",
      "x-original-forwarded-for": "1.2.3.4",
      "x-original-forwarded-host": "myhost",
    },
  },
});

const realIp = upstreamFile("settings/enable_real_ip.go", {
  "trusts X-Forwarded-For header only when setting is true": set(
    "forwarded-for-header",
    { "enable-real-ip": "true", "proxy-real-ip-cidr": "127.0.0.0/8" },
    {
      see: [
        {
          ask: { headers: claimed },
          seen: {
            headers: {
              host: "forwarded-for-header",
              "x-forwarded-host": "forwarded-for-header",
              "x-forwarded-proto": "http",
              "x-forwarded-port": "80",
              "x-forwarded-for": "1.2.3.4",
            },
          },
        },
      ],
    },
  ),
  "should not trust X-Forwarded-For header when setting is false": set(
    "forwarded-for-header",
    { "enable-real-ip": "false" },
    { see: [unbelieved("forwarded-for-header")] },
  ),
});

const forwarded = upstreamFile(
  "settings/forwarded_headers.go",
  {
    "should not trust X-Forwarded headers when setting is false": set(
      "forwarded-headers",
      { "use-forwarded-headers": "false" },
      { see: [unbelieved("forwarded-headers")] },
    ),
  },
  {
    "should trust X-Forwarded headers when setting is true":
      "endpoints get the Host of the request, and in X-Forwarded-Host the one that is believed; a scheme is http or https",
  },
);

const agent = (value: string, status = 200): Seen => ({ ask: { headers: { "user-agent": value } }, status });
const referer = (value: string, status = 200): Seen => ({ ask: { headers: { referer: value } }, status });

const blocked = upstreamFile("settings/global_access_block.go", {
  "should block CIDRs defined in the ConfigMap": set(
    "global-access-block",
    { "block-cidrs": "172.16.0.0/12,192.168.0.0/16,127.0.0.0/8" },
    { see: [{ status: 403 }] },
  ),
  "should block User-Agents defined in the ConfigMap": set(
    "global-access-block",
    { "block-user-agents": "~*chrome\\/68\\.0\\.3440\\.106\\ safari\\/537\\.36,AlphaBot" },
    {
      see: [
        agent(
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/68.0.3440.106 Safari/537.36",
          403,
        ),
        agent("AlphaBot", 403),
        agent(
          "Mozilla/5.0 (iPhone; CPU iPhone OS 11_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/11.0 Mobile/15E148 Safari/604.1",
        ),
      ],
    },
  ),
  "should block Referers defined in the ConfigMap": set(
    "global-access-block",
    { "block-referers": "~*example\\.com,qwerty" },
    { see: [referer("example.com", 403), referer("qwerty", 403), referer("qwerty123")] },
  ),
});

export const settingsFiles: readonly UpstreamFile[] = [
  accessLog,
  badValues,
  brotli,
  change,
  addHeaders,
  realIp,
  forwarded,
  blocked,
  gzipFile,
];
