// Real nginx with what ingress-nginx would have it do for a case of the corpus.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  annotation,
  controllerSettings,
  isOn,
  namespaceOf,
  readManifest,
  serversOf,
  type Manifest,
  type Server,
} from "./nginx-servers.ts";
import { locationBlocks, nginxWords, type LocationTools } from "./nginx-locations.ts";
import { eventually, freePorts } from "./process.ts";
import { accepts } from "./tcp.ts";

/** Why there is nothing to compare with; undefined where nginx is installed, or has to be (`ISTHMUS_CI`). */
export function nginxMissing(): string | undefined {
  if (process.env["ISTHMUS_CI"] || spawnSync("nginx", ["-v"]).status === 0) return undefined;
  return "nginx is not installed (apt-get install nginx-light): not compared with it";
}

export interface RunningNginx {
  /** Port of this machine for a port of the controller. */
  readonly ports: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

export interface NginxOptions {
  /** The port of what stands for a backend, `<namespace>/<service>/<port>`. */
  readonly portOf: (backend: string) => number;
  /** Key and certificate of every host. */
  readonly pem: string;
}

/** Rejects with nginx's own words when it does not take the configuration. */
export async function startCorpusNginx(text: string, { portOf, pem }: NginxOptions): Promise<RunningNginx> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-nginx-"));
  mkdirSync(join(directory, "temp"));
  let files = 0;
  const file = (content: string): string => {
    const path = join(directory, `file-${(files += 1)}`);
    writeFileSync(path, content);
    return path;
  };
  const [http, https] = (await freePorts(2)) as [number, number];
  const manifest = readManifest(text);
  const tools: LocationTools = { manifest, portOf, file, http: new Set() };
  const servers = serversOf(manifest);
  const listen = { http, https, pemFile: file(pem) };
  const blocks = servers.flatMap((server) => serverBlocks(server, servers, listen, tools));
  const config = configOf(directory, [...controllerBlock(manifest), ...tools.http, ...blocks]);
  writeFileSync(join(directory, "nginx.conf"), config);
  const child = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((done) => child.once("close", () => done()).once("error", () => done()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await eventually("nginx listens", async () => /\[emerg\]/.test(output) || accepts(http));
    if (/\[emerg\]/.test(output))
      throw new Error(`nginx does not take the configuration:\n${output}\n${config}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports: new Map([
      [80, http],
      [443, https],
    ]),
    stop,
  };
}

/** What the controller's ConfigMap says of all hosts. */
function controllerBlock(manifest: Manifest): string[] {
  const settings = controllerSettings(manifest);
  const usesForwarded = settings["use-forwarded-headers"] === "true";
  const agents = (settings["block-user-agents"] ?? "").split(",").map((agent) => agent.trim());
  return [
    `map $http_x_forwarded_proto $pass_access_scheme { default ${usesForwarded ? "$http_x_forwarded_proto; '' " : ""}$scheme; }`,
    `map $http_user_agent $block_ua { default 0; ${agents.map((agent) => agent && `${agent} 1;`).join(" ")} }`,
    ...(settings["block-cidrs"] ? [`deny ${settings["block-cidrs"]};`] : []),
  ];
}

interface Listen {
  readonly http: number;
  readonly https: number;
  readonly pemFile: string;
}

function configOf(directory: string, blocks: readonly string[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(directory, "temp", kind)};`,
  );
  // Workers of another user could not read what is in the directory.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user} daemon off; worker_processes 1; pid ${join(directory, "pid")}; error_log stderr crit;
events { worker_connections 256; }
http {
${temporary.join("\n")}
access_log off; server_tokens off; proxy_next_upstream off;
map $request_uri $uri_without_slash { default $request_uri; "~^(?<cut>.*)/$" $cut; }
${blocks.join("\n")}
}
`;
}

function serverBlocks(
  server: Server,
  all: readonly Server[],
  listen: Listen,
  tools: LocationTools,
): string[] {
  const { host, ingresses } = server;
  const isDefault = host === "" ? " default_server" : "";
  const ports = [
    `listen 127.0.0.1:${listen.http}${isDefault};`,
    `listen 127.0.0.1:${listen.https} ssl${isDefault};`,
    `ssl_certificate ${listen.pemFile}; ssl_certificate_key ${listen.pemFile};`,
  ].join(" ");
  const taken = new Set(all.map((other) => other.host));
  const aliased = ingresses.find((ingress) => annotation(ingress, "server-alias"));
  const aliases = (aliased ? annotation(aliased, "server-alias").split(",") : [])
    .map((alias) => alias.trim())
    .filter((alias) => alias !== "" && !taken.has(alias));
  const names = [host, ...aliases].map((name) => (name === "" ? '"_"' : serverName(name))).join(" ");
  const snippet = ingresses.find((ingress) => annotation(ingress, "server-snippet"));
  const roots = [...new Set(server.locations.map(({ ingress }) => annotation(ingress, "app-root")))];
  const body = [
    ...clientCertificates(server, tools),
    "set $cors ''; if ($block_ua) { return 403; }",
    ...nginxWords(snippet ? annotation(snippet, "server-snippet") : ""),
    ...roots.filter(Boolean).map((root) => `if ($uri = /) { return 302 $scheme://$http_host${root}; }`),
    ...locationBlocks(server, tools),
    ...(server.locations.some(({ path }) => path === "/") ? [] : ["location / { return 404; }"]),
  ];
  const blocks = [`server {\nserver_name ${names}; ${ports}\n${body.join("\n")}\n}`];
  const other = host.startsWith("www.") ? host.slice(4) : `www.${host}`;
  if (host !== "" && !taken.has(other) && ingresses.some((one) => isOn(one, "from-to-www-redirect"))) {
    const to = `return 308 $scheme://${host}:$server_port$uri_without_slash;`;
    blocks.push(`server {\nserver_name ${serverName(other)}; ${ports}\n${to}\n}`);
  }
  return blocks;
}

/** `auth-tls-*` of the oldest Ingress that has them. */
function clientCertificates({ ingresses }: Server, { manifest, file }: LocationTools): string[] {
  const asking = ingresses.find((ingress) => annotation(ingress, "auth-tls-secret"));
  const verify = asking && (annotation(asking, "auth-tls-verify-client") || "on");
  if (!asking || verify === "off") return [];
  const [name, namespace = namespaceOf(asking)] = annotation(asking, "auth-tls-secret").split("/").reverse();
  const secret = manifest.objects.get(`Secret/${namespace}/${name}`) as { data: Record<string, string> };
  const page = annotation(asking, "auth-tls-error-page");
  const commonName = annotation(asking, "auth-tls-match-cn");
  return [
    `ssl_client_certificate ${file(atob(secret.data["ca.crt"]!))}; ssl_verify_client ${verify};`,
    ...(page ? [`error_page 495 496 = ${page};`] : []),
    ...(commonName ? [`if ($ssl_client_s_dn !~ "${commonName}") { return 403; }`] : []),
  ];
}

function serverName(host: string): string {
  if (!host.startsWith("*.")) return `"${host}"`;
  return `"~^(?<subdomain>[\\w-]+)\\.${host.slice(2).replaceAll(".", "\\.")}$"`;
}
