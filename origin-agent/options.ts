// What the agent is told at its start, from flags and a config file (YAML or JSON) with the same names.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { durationMs, durationSchema } from "#contract/duration.ts";
import { nameSchema } from "#contract/snapshot.ts";
import { parseConnectTo } from "#traffic/connection/connect-to.ts";
import { AgentError } from "./agent-error.ts";

const edgeSchema = z
  .string()
  .refine(isEdgeUrl, "expected https://HOST or https://HOST:PORT")
  .transform((text) => new URL(text).origin);

const connectToSchema = z.string().transform((text, context) => {
  const rule = parseConnectTo(text);
  if (rule) return rule;
  context.addIssue(`${text}: expected HOST:PORT:HOST2:PORT2, with IPv6 addresses in brackets`);
  return z.NEVER;
});

/** `PORT` on this machine's loopback address, or `HOST:PORT`. */
const metricsSchema = z
  .string()
  .regex(/^(?:(?:\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?[0-9]{1,5}$/, "expected PORT or HOST:PORT")
  .transform((text) => {
    const [, host = "127.0.0.1", port] = /^(?:(.+):)?([0-9]+)$/.exec(text)!;
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  })
  .refine(({ port }) => port <= 65_535, "expected a port up to 65535");

const agentOptionsSchema = z.strictObject({
  /** Origin of the edge's tunnel door. */
  edge: edgeSchema,
  tunnel: nameSchema,
  /** Holds the one-time join token; read again for each attempt. Needed only while there is no valid certificate. */
  joinTokenFile: z.string().min(1).optional(),
  /** PEM roots that the edge's certificate must lead to; read again for each connection. */
  caFile: z.string().min(1),
  /** `CIDR[:PORT]` rules: the only addresses that this agent dials. */
  allow: z.array(z.string()).min(1),
  data: z.string().min(1),
  /** For people, in logs and in `isthmus status`. */
  instance: z.string().min(1).max(253),
  /** Where it runs, as endpoints name their zones: it is preferred for those. */
  zone: z.string().min(1).max(253).optional(),
  drainTimeout: durationSchema,
  /** Written once the first connection is authenticated. */
  readyFile: z.string().min(1).optional(),
  /** Where to serve numbers for Prometheus; absent: nowhere. */
  metrics: metricsSchema.optional(),
  /** A line of the log for each stream that is over. */
  logStreams: z.boolean().default(false),
  /** PEM roots for endpoints that speak HTTPS; absent: those of the system. */
  endpointCaFile: z.string().min(1).optional(),
  /** Directories with certificates and keys that the configuration names for TLS to endpoints. */
  tlsDir: z.array(z.string().min(1)).default([]),
  /** curl's HOST:PORT:HOST2:PORT2: endpoints that are dialled somewhere else. */
  connectTo: z.array(connectToSchema).default([]),
  /** Unix socket of the edge, where it is on this machine and has no port. */
  edgeSocket: z.string().min(1).optional(),
});

export interface AgentOptions extends Omit<z.output<typeof agentOptionsSchema>, "drainTimeout"> {
  readonly drainTimeoutMs: number;
}

/** Options as flags give them; keys absent where no flag was given. */
export type RawOptions = Partial<Record<keyof z.input<typeof agentOptionsSchema>, unknown>>;

const pathOptions = [
  "joinTokenFile",
  "caFile",
  "data",
  "readyFile",
  "endpointCaFile",
  "tlsDir",
  "edgeSocket",
] as const;

const missing: Record<string, string> = {
  edge: "Give --edge https://HOST:PORT, where the edge accepts tunnels.",
  tunnel: "Give --tunnel NAME, the tunnel that backends of the configuration name.",
  caFile: "Give --ca-file FILE with the roots of the edge's certificate (DIR/ca.pem of `isthmus serve`).",
  allow: "Give --allow CIDR[:PORT] for each network that this agent may dial, e.g. --allow 10.0.0.0/8.",
  data: "Give --data DIR, where the agent keeps its key and certificate.",
};

/** Flags win over the file. Throws `AgentError` `options_invalid` that names every wrong option. */
export function readOptions(flags: RawOptions, configFile?: string): AgentOptions {
  const merged = {
    instance: hostname(),
    drainTimeout: "30s",
    ...(configFile === undefined ? {} : readConfigFile(configFile)),
    ...flags,
  };
  const parsed = agentOptionsSchema.safeParse(merged);
  if (parsed.success) {
    const { drainTimeout, ...rest } = parsed.data;
    return { ...rest, drainTimeoutMs: durationMs(drainTimeout) };
  }
  const source = configFile === undefined ? "" : `${configFile}: `;
  const problems = parsed.error.issues.map((issue) => describeIssue(issue, merged));
  throw new AgentError("options_invalid", `${source}${problems.map(({ text }) => text).join("; ")}`, {
    remedy: problems.map(({ remedy }) => remedy).join(" ") || "See isthmus agent --help.",
  });
}

function describeIssue(issue: z.core.$ZodIssue, merged: Record<string, unknown>) {
  const option = String(issue.path[0] ?? "");
  const value = merged[option];
  const absent = option !== "" && (value === undefined || (Array.isArray(value) && value.length === 0));
  const text = absent ? `${option} is missing` : `${[...issue.path].join(".")} ${issue.message}`.trim();
  return { text, remedy: absent ? (missing[option] ?? "") : "" };
}

/** Paths in the file are relative to the file. */
function readConfigFile(file: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parseYaml(readFileSync(file, "utf8"));
  } catch (error) {
    throw new AgentError(
      "options_invalid",
      `cannot read the config file ${file}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  if (document === null || typeof document !== "object" || Array.isArray(document)) {
    throw new AgentError(
      "options_invalid",
      `${file}: expected a mapping such as \`edge: https://HOST:PORT\``,
    );
  }
  const options: Record<string, unknown> = { ...document };
  for (const name of pathOptions) {
    const path = options[name];
    if (typeof path === "string") options[name] = resolve(dirname(file), path);
    if (Array.isArray(path)) options[name] = path.map((one) => resolve(dirname(file), String(one)));
  }
  return options;
}

function isEdgeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const bare = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  return url.protocol === "https:" && bare;
}
