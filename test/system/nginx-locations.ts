// `location` blocks of the servers of `nginx-servers.ts`.
import {
  annotation,
  controllerSettings,
  enforcesRegex,
  expanded,
  isOn,
  namespaceOf,
  needsRewrite,
  type IngressObject,
  type Location,
  type Manifest,
  type Server,
} from "./nginx-servers.ts";

export interface LocationTools {
  readonly manifest: Manifest;
  /** Port of this machine of what stands for a backend, `<namespace>/<service>/<port>`. */
  readonly portOf: (backend: string) => number;
  /** Writes a file and returns its path. */
  readonly file: (content: string) => string;
  /** Statements for the `http` block, each once. */
  readonly http: Set<string>;
}

export function locationBlocks(server: Server, tools: LocationTools): string[] {
  const isRegex = enforcesRegex(server);
  const asking = new Set(server.locations.map(({ ingress }) => authBlocks(ingress, tools)));
  const pages = new Set(server.locations.flatMap(({ ingress }) => pageBlocks(ingress, tools)));
  const blocks = expanded(server.locations).map((location) => {
    const { path, isExact } = location;
    const quoted = `"${path.replace(/["\\]/g, "\\$&")}"`;
    const match = isRegex ? `~* "^${quoted.slice(1)}` : `${isExact ? "= " : ""}${quoted}`;
    return `location ${match} {\n${statementsOf(location, server, tools).join("\n")}\n}`;
  });
  return [...asking, ...pages, ...blocks];
}

function statementsOf(location: Location, server: Server, tools: LocationTools): string[] {
  const { ingress, path, service } = location;
  const target = annotation(ingress, "rewrite-target");
  const redirect = redirectOf(ingress);
  const prefix = annotation(ingress, "x-forwarded-prefix");
  return [
    `set $namespace "${namespaceOf(ingress)}"; set $ingress_name "${ingress.metadata.name}";`,
    `set $service_name "${service?.name ?? ""}"; set $service_port "${service?.port.number ?? ""}";`,
    "set $proxy_upstream_name $namespace-$service_name-$service_port;",
    ...accessOf(location, tools),
    ...authOf(ingress),
    ...corsOf(ingress),
    ...limitsOf(ingress, tools),
    ...sizeOf(ingress),
    ...pagesOf(ingress),
    "proxy_http_version 1.1;",
    ...rewrittenAnswers(ingress),
    `proxy_set_header Host ${annotation(ingress, "upstream-vhost") ? `"${annotation(ingress, "upstream-vhost")}"` : "$http_host"};`,
    ...nginxWords(annotation(ingress, "configuration-snippet")),
    ...customHeaders(ingress, tools),
    ...(annotation(ingress, "satisfy") ? [`satisfy ${annotation(ingress, "satisfy")};`] : []),
    ...redirect,
    ...(redirectsToHttps(location, server)
      ? [
          `if ($pass_access_scheme = http) { return ${controllerSettings(tools.manifest)["http-redirect-code"] ?? 308} https://$host$${isOn(ingress, "preserve-trailing-slash") ? "request_uri" : "uri_without_slash"}; }`,
        ]
      : []),
    ...(service && needsRewrite(location)
      ? [
          `rewrite "(?i)${path.replace(/["\\]/g, "\\$&")}" ${target} break;`,
          ...(prefix ? [`proxy_set_header X-Forwarded-Prefix "${prefix}";`] : []),
        ]
      : []),
    service ? passTo(location, tools) : "return 404;",
  ].map((line) => `  ${line}`);
}

/** `custom-http-errors`: the template's CUSTOM_ERRORS. */
function pageBlocks(ingress: IngressObject, { manifest, portOf }: LocationTools): string[] {
  const backend = defaultBackendOf(ingress, manifest);
  if (backend === undefined) return [];
  return errorCodes(ingress).map(
    (code) => `location ${pageName(ingress, code)} {
internal; proxy_intercept_errors off; proxy_http_version 1.1;
proxy_set_header X-Code ${code}; proxy_set_header X-Format $http_accept; proxy_set_header X-Original-URI $request_uri;
proxy_set_header X-Namespace $namespace; proxy_set_header X-Ingress-Name $ingress_name;
proxy_set_header X-Service-Name $service_name; proxy_set_header X-Service-Port $service_port;
proxy_set_header Host $http_host; rewrite (.*) / break;
proxy_pass http://127.0.0.1:${portOf(backend)};
}`,
  );
}

/** The Service of `default-backend` with its first port. */
export function defaultBackendOf(ingress: IngressObject, manifest: Manifest): string | undefined {
  const key = `${namespaceOf(ingress)}/${annotation(ingress, "default-backend")}`;
  const service = manifest.objects.get(`Service/${key}`) as
    { spec: { ports: { port: number }[] } } | undefined;
  return service && `${key}/${service.spec.ports[0]!.port}`;
}

function pagesOf(ingress: IngressObject): string[] {
  const codes = errorCodes(ingress);
  if (codes.length === 0) return [];
  return [
    "proxy_intercept_errors on;",
    ...codes.map((code) => `error_page ${code} = ${pageName(ingress, code)};`),
  ];
}

function errorCodes(ingress: IngressObject): string[] {
  return annotation(ingress, "custom-http-errors")
    .split(",")
    .flatMap((code) => code.trim() || []);
}

const pageName = ({ metadata }: IngressObject, code: string): string =>
  `@custom_${metadata.name.replaceAll("-", "_")}_${code}`;

/** Where `auth_request` asks, and where clients without credentials are sent. */
function authBlocks(ingress: IngressObject, { manifest }: LocationTools): string {
  const url = annotation(ingress, "auth-url");
  if (!url) return "";
  const { name } = ingress.metadata;
  const method = annotation(ingress, "auth-method");
  const signin = annotation(ingress, "auth-signin");
  const parameter = annotation(ingress, "auth-signin-redirect-param") || "rd";
  const mark = signin.includes("?") ? "&" : "?";
  const [config, namespace = namespaceOf(ingress)] = annotation(ingress, "auth-proxy-set-headers")
    .split("/")
    .reverse();
  const { data = {} } = (manifest.objects.get(`ConfigMap/${namespace}/${config}`) ?? {}) as {
    data?: Record<string, string>;
  };
  const added = Object.entries(data).map(([header, value]) => `proxy_set_header ${header} "${value}";`);
  return `location = /_external-auth-${name} {
internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; ${method ? `proxy_method ${method};` : ""}
proxy_set_header X-Original-URL $scheme://$http_host$request_uri; proxy_set_header X-Original-Method $request_method;
proxy_set_header X-Auth-Request-Redirect $request_uri; proxy_pass ${url};
${added.join(" ")} ${annotation(ingress, "auth-snippet")}
}
location @signin_${name.replaceAll("-", "_")} {
internal; add_header Set-Cookie $auth_cookie; return 302 ${signin.includes(`${parameter}=`) ? signin : `${signin || "/"}${mark}${parameter}=$scheme://$http_host$request_uri`};
}
`;
}

function authOf(ingress: IngressObject): string[] {
  if (!annotation(ingress, "auth-url")) return [];
  const { name } = ingress.metadata;
  const headers = annotation(ingress, "auth-response-headers")
    .split(",")
    .flatMap((one) => one.trim() || []);
  return [
    `auth_request /_external-auth-${name}; auth_request_set $auth_cookie $upstream_http_set_cookie;`,
    `add_header Set-Cookie $auth_cookie${isOn(ingress, "auth-always-set-cookie") ? " always" : ""};`,
    ...headers.map((header, index) => {
      const variable = `$upstream_http_${header.toLowerCase().replaceAll("-", "_")}`;
      return `auth_request_set $authHeader${index} ${variable}; proxy_set_header '${header}' $authHeader${index};`;
    }),
    ...(annotation(ingress, "auth-signin") ? [`error_page 401 = @signin_${name.replaceAll("-", "_")};`] : []),
  ];
}

function passTo({ ingress, service }: Location, { manifest, portOf }: LocationTools): string {
  const { name, port } = service!;
  const namespace = namespaceOf(ingress);
  const describesServices = [...manifest.objects.keys()].some((key) => key.startsWith("Service/"));
  const known = manifest.objects.get(`Service/${namespace}/${name}`) as
    { spec: { ports: { port: number; name?: string }[] } } | undefined;
  const hasPort = known?.spec.ports.some((one) => one.port === port.number || one.name === port.name);
  if (describesServices && !hasPort) return "return 503;";
  return `proxy_pass http://127.0.0.1:${portOf(`${namespace}/${name}/${port.number ?? port.name}`)};`;
}

/** `no-tls-redirect-locations` and `no-auth-locations` without a ConfigMap. */
const isChallenge = (path: string): boolean => path.startsWith("/.well-known/acme-challenge");

function redirectsToHttps({ ingress, path }: Location, { host, ingresses }: Server): boolean {
  if (isChallenge(path)) return false;
  if (isOn(ingress, "force-ssl-redirect")) return true;
  const hasTls = host !== "" && ingresses.some(({ spec }) => (spec.tls ?? []).length > 0);
  return hasTls && annotation(ingress, "ssl-redirect") !== "false";
}

function redirectOf(ingress: IngressObject): string[] {
  for (const [kind, preset, most] of [
    ["temporal", 302, 307],
    ["permanent", 301, 308],
  ] as const) {
    const url = annotation(ingress, `${kind}-redirect`);
    const code = Number(annotation(ingress, `${kind}-redirect-code`) || preset);
    if (url) return [`return ${code >= 300 && code <= most ? code : preset} ${url};`];
  }
  return [];
}

function networks(ingress: IngressObject, ...names: string[]): string[] {
  return names.flatMap((name) => annotation(ingress, name).split(",")).flatMap((one) => one.trim() || []);
}

function accessOf({ ingress, path }: Location, { manifest, file }: LocationTools): string[] {
  const denied = networks(ingress, "denylist-source-range");
  const allowed = networks(ingress, "whitelist-source-range", "allowlist-source-range");
  const lines = denied.map((network) => `deny ${network};`);
  if (allowed.length > 0) lines.push(...allowed.map((network) => `allow ${network};`), "deny all;");
  if (annotation(ingress, "auth-type") === "basic" && !isChallenge(path)) {
    const [name, namespace = namespaceOf(ingress)] = annotation(ingress, "auth-secret").split("/").reverse();
    const secret = manifest.objects.get(`Secret/${namespace}/${name}`) as {
      data?: Record<string, string>;
      stringData?: Record<string, string>;
    };
    const values = {
      ...Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, atob(value)])),
      ...secret.stringData,
    };
    const isMap = annotation(ingress, "auth-secret-type") === "auth-map";
    const lists = Object.entries(values).map(([user, hash]) => (isMap ? `${user}:${hash.trim()}` : hash));
    lines.push(
      `auth_basic "${annotation(ingress, "auth-realm")}";`,
      `auth_basic_user_file ${file(`${lists.join("\n")}\n`)};`,
      'proxy_set_header Authorization "";',
    );
  }
  return lines;
}

function limitsOf(ingress: IngressObject, { http }: LocationTools): string[] {
  const { name } = ingress.metadata;
  const id = `${namespaceOf(ingress)}_${name}`.replace(/[^a-z0-9]/g, "_");
  const exempt = networks(ingress, "limit-whitelist", "limit-allowlist").map((network) => `${network} 0;`);
  const burst = Number(annotation(ingress, "limit-burst-multiplier") || 5);
  const lines: string[] = [];
  for (const [kind, unit] of [
    ["rps", "s"],
    ["rpm", "m"],
  ] as const) {
    const rate = Number(annotation(ingress, `limit-${kind}`));
    if (!rate) continue;
    http.add(`limit_req_zone $limit_${id} zone=${id}_${kind}:1m rate=${rate}r/${unit};`);
    lines.push(`limit_req zone=${id}_${kind} burst=${rate * burst} nodelay;`, "limit_req_status 503;");
  }
  if (lines.length > 0) {
    http.add(`geo $exempt_${id} { default 1; ${exempt.join(" ")} }`);
    http.add(`map $exempt_${id} $limit_${id} { 0 ""; 1 $binary_remote_addr; }`);
  }
  return lines.filter((line, index) => lines.indexOf(line) === index);
}

function sizeOf(ingress: IngressObject): string[] {
  return [`client_max_body_size ${annotation(ingress, "proxy-body-size") || "1m"};`];
}

/** `proxy_redirect`, and `proxy_cookie_domain` and `-path`. */
function rewrittenAnswers(ingress: IngressObject): string[] {
  const from = annotation(ingress, "proxy-redirect-from") || "off";
  const to = annotation(ingress, "proxy-redirect-to") || "off";
  const redirect = from === "off" || from === "default" ? from : to === "off" ? undefined : `${from} ${to}`;
  return [
    ...(redirect === undefined ? [] : [`proxy_redirect ${redirect};`]),
    ...["domain", "path"].map(
      (kind) => `proxy_cookie_${kind} ${annotation(ingress, `proxy-cookie-${kind}`) || "off"};`,
    ),
  ];
}

const corsHeaders =
  "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

/** `more_set_headers` of the template replaces what the endpoint says, which those of these tests do not. */
function corsOf(ingress: IngressObject): string[] {
  if (!isOn(ingress, "enable-cors")) return [];
  const origins = (annotation(ingress, "cors-allow-origin") || "*")
    .split(",")
    .flatMap((one) => one.trim() || []);
  const pattern = origins.map(
    (one) => `(${one.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace("*", "[A-Za-z0-9-]+")})`,
  );
  const credentials =
    annotation(ingress, "cors-allow-credentials") === "false"
      ? []
      : ["Access-Control-Allow-Credentials: true"];
  const exposed = annotation(ingress, "cors-expose-headers");
  const headers = [
    `Access-Control-Allow-Origin: ${origins.includes("*") ? "*" : "$http_origin"}`,
    ...credentials,
    `Access-Control-Allow-Methods: ${annotation(ingress, "cors-allow-methods") || "GET, PUT, POST, DELETE, PATCH, OPTIONS"}`,
    `Access-Control-Allow-Headers: ${annotation(ingress, "cors-allow-headers") || corsHeaders}`,
    ...(exposed ? [`Access-Control-Expose-Headers: ${exposed}`] : []),
    `Access-Control-Max-Age: ${annotation(ingress, "cors-max-age") || "1728000"}`,
  ].map((line) => line.replace(/^([^:]+): (.*)$/, "add_header $1 '$2' always;"));
  const isAny = origins.includes("*");
  return [
    isAny ? "set $cors 'true';" : `if ($http_origin ~* "(${pattern.join("|")})$") { set $cors 'true'; }`,
    "if ($request_method = 'OPTIONS') { set $cors ${cors}options; }",
    `if ($cors = "true") { ${headers.join(" ")} }`,
    `if ($cors = "trueoptions") { ${headers.join(" ")} return 204; }`,
  ];
}

function customHeaders(ingress: IngressObject, { manifest }: LocationTools): string[] {
  const [name, namespace = namespaceOf(ingress)] = annotation(ingress, "custom-headers").split("/").reverse();
  if (!name) return [];
  const { data = {} } = (manifest.objects.get(`ConfigMap/${namespace}/${name}`) ?? {}) as {
    data?: Record<string, string>;
  };
  return Object.entries(data).map(([header, value]) => `add_header ${header} "${value}" always;`);
}

/** Debian's nginx has no headers-more module: what it sets is added. */
export function nginxWords(snippet: string): string[] {
  return (
    snippet
      .replace(/more_set_headers((?:\s+"[^"]*")+)\s*;/g, (_, headers: string) =>
        headers.replace(/\s+"([^":]+):\s*([^"]*)"/g, 'add_header $1 "$2" always; '),
      )
      .replace(/more_set_input_headers((?:\s+"[^"]*")+)\s*;/g, (_, headers: string) =>
        headers.replace(/\s+"([^":]+):\s*([^"]*)"/g, 'proxy_set_header $1 "$2"; '),
      )
      // Variables of ingress-nginx's Lua: what they hold is not compared.
      .replaceAll("$req_id", "")
      .split("\n")
      .filter((line) => line.trim() !== "")
  );
}
