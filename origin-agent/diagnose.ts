// `isthmus agent diag`: what an agent needs to work, looked at piece by piece without disturbing one that runs. Each piece
// says what it saw and, where something is wrong, what to do.
import { lookup } from "node:dns/promises";
import { stat } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { apiErrorSchema } from "#contract/sync.ts";
import { proofSkewS } from "#contract/tunnel/handshake.ts";
import { AgentError, errorFields } from "./agent-error.ts";
import { dialTargetOf, openConfigSlice, type SliceEndpoint } from "./config-slice.ts";
import { createDial, type Dial } from "./dial.ts";
import { dialOptions } from "./dial-options.ts";
import { edgeConnectError, readBounded, readCaFile } from "./edge-request.ts";
import { openIdentityStore, type Identity } from "./identity-store.ts";
import type { Log } from "./log.ts";
import type { AgentOptions } from "./options.ts";
import { agentVersion } from "./version.ts";

export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warning" | "failed";
  readonly detail: string;
  readonly remedy?: string;
}

const timeoutMs = 5_000;
const dayMs = 86_400_000;
/** Endpoints that are dialled, and how many at a time. */
const maxEndpoints = 256;
const endpointsAtOnce = 16;
const quiet: Log = { info() {}, warn() {}, error() {}, with: () => quiet };

/** In the order in which each needs those before it. Never rejects. */
export async function diagnose(options: AgentOptions, nowMs: () => number): Promise<Finding[]> {
  const findings: Finding[] = [ok("version", `isthmus ${agentVersion}, Node ${process.version}`)];
  const look = async <T>(check: string, act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (error) {
      const { reason, remedy } = errorFields(error);
      findings.push({ check, status: "failed", detail: reason, ...(remedy !== undefined && { remedy }) });
      return undefined;
    }
  };
  const roots = await look("trust", async () => {
    const pem = await readCaFile(options.caFile);
    findings.push(trustFinding(options.caFile, pem, nowMs()));
    return pem;
  });
  const identity = await look("certificate", async () => {
    const stored = await openIdentityStore(options.data).load();
    findings.push(await certificateFinding(options, stored, nowMs()));
    return stored;
  });
  const url = new URL("/.well-known/isthmus/tunnel", options.edge);
  url.searchParams.set("tunnel", options.tunnel);
  await look("dns", async () => {
    const addresses = await lookup(url.hostname.replace(/^\[|\]$/g, ""), { all: true }).catch(
      (error: Error) => {
        const remedy = "Check the host of --edge, and this machine's DNS.";
        throw new AgentError("edge_unreachable", `no address of ${url.hostname}: ${error.message}`, {
          remedy,
        });
      },
    );
    findings.push(ok("dns", `${url.hostname} is ${addresses.map(({ address }) => address).join(", ")}`));
  });
  if (roots !== undefined) {
    const trusted = identity ? `${roots}\n${identity.trustBundlePem}` : roots;
    await look("edge", async () => findings.push(...(await askEdge(url, trusted, identity, nowMs))));
  }
  await look("endpoints", async () => findings.push(...(await dialEndpoints(options))));
  return findings;
}

function trustFinding(file: string, pem: string, nowMs: number): Finding {
  const roots = decodePem("CERTIFICATE", pem).map(parseCertificate);
  const ends = roots.map(({ notAfterMs }) => notAfterMs);
  const valid = ends.filter((endMs) => endMs > nowMs).length;
  const detail = `${roots.length} roots in ${file}, the first ends ${isoDay(Math.min(...ends))}`;
  if (valid > 0) return ok("trust", detail);
  return failed("trust", `${detail}: none is valid any more`, "Fetch the edge's current roots (ca.pem).");
}

async function certificateFinding(
  { data, tunnel, joinTokenFile }: AgentOptions,
  identity: Identity | undefined,
  nowMs: number,
): Promise<Finding> {
  const join = `Join with a new token: isthmus token join --tunnel ${tunnel} > ${joinTokenFile ?? "FILE"}`;
  if (!identity) return { ...failed("certificate", "there is none yet", join), status: "warning" };
  const { path } = openIdentityStore(data);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    return failed(
      "certificate",
      `${path} is open to others (mode ${(mode & 0o777).toString(8)})`,
      `chmod 600 ${path}`,
    );
  }
  if (identity.tunnel !== tunnel)
    return failed("certificate", `it is for the tunnel ${identity.tunnel}`, join);
  const detail = `${identity.spiffeId}, serial ${identity.serial}, until ${new Date(identity.notAfterMs).toISOString()}`;
  if (nowMs > identity.notAfterMs) return failed("certificate", `${detail}: expired`, join);
  if (nowMs < identity.notBeforeMs) {
    return failed("certificate", `${detail}: not valid yet by this machine's clock`, "Set the clock.");
  }
  return ok("certificate", detail);
}

/** TLS, the edge's clock, and what it says to this agent's certificate. */
async function askEdge(
  url: URL,
  roots: string,
  identity: Identity | undefined,
  nowMs: () => number,
): Promise<Finding[]> {
  const sentMs = nowMs();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const client = identity ? { cert: identity.certificateChainPem, key: identity.privateKeyPem } : {};
    request(url, {
      ca: roots,
      ...client,
      minVersion: "TLSv1.2",
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
      .on("response", resolve)
      .on("error", reject)
      .end();
  }).catch((error: unknown) => {
    throw edgeConnectError(url.host, error);
  });
  const tookMs = nowMs() - sentMs;
  const socket = response.socket as TLSSocket;
  const ends = Date.parse(socket.getPeerCertificate().valid_to);
  const tls = `${url.host} speaks ${socket.getProtocol()}, its certificate ends ${isoDay(ends)}, answered in ${tookMs} ms`;
  const dateMs = Date.parse(response.headers.date ?? "");
  const body = await readBounded(response, 8 * 1024);
  return [
    ends - nowMs() > dayMs ? ok("tls", tls) : { check: "tls", status: "warning", detail: tls },
    clockFinding(dateMs - (sentMs + tookMs / 2)),
    verdictFinding(response.statusCode ?? 0, body, identity !== undefined),
  ];
}

/** The date has whole seconds. */
function clockFinding(aheadMs: number): Finding {
  if (Number.isNaN(aheadMs)) return { check: "clock", status: "warning", detail: "the edge tells no time" };
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const detail =
    seconds <= 1 ? "as the edge's" : `${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} the edge's`;
  const remedy = "Set this machine's clock (NTP).";
  if (seconds > proofSkewS)
    return failed("clock", `${detail}: more than ${proofSkewS} s are refused`, remedy);
  return seconds > 10 ? { check: "clock", status: "warning", detail, remedy } : ok("clock", detail);
}

/** Without an upgrade, the edge's last word to an agent that it knows is that it should ask for one. */
function verdictFinding(status: number, body: string, hasCertificate: boolean): Finding {
  const { code, message } = apiErrorSchema.safeParse(parseJson(body)).data ?? {
    code: `status ${status}`,
    message: "",
  };
  if (code === "upgrade_required") return ok("edge", "accepts this agent's certificate");
  if (code === "certificate_missing" && !hasCertificate)
    return ok("edge", "reached; lets only those join that have no certificate");
  return failed("edge", `refuses (${code}): ${message}`, "See the refusal codes in docs/protocol.md.");
}

async function dialEndpoints(options: AgentOptions): Promise<Finding[]> {
  const slice = await openConfigSlice(options.data, options.tunnel, quiet);
  if (slice.version === 0) {
    return [{ check: "endpoints", status: "warning", detail: "no configuration has come from the edge yet" }];
  }
  const dial = createDial(dialOptions(options, timeoutMs));
  const targets = [...slice.endpoints.values()];
  const chosen = targets.slice(0, maxEndpoints);
  const findings = [
    ok("endpoints", `${targets.length} in version ${slice.version}, ${chosen.length} dialled`),
  ];
  while (chosen.length > 0) {
    const next = chosen.splice(0, endpointsAtOnce);
    findings.push(...(await Promise.all(next.map((target) => dialOne(target, dial)))));
  }
  return findings;
}

function dialOne(target: SliceEndpoint, dial: Dial): Promise<Finding> {
  const { key } = target;
  return new Promise((resolve) => {
    dial(dialTargetOf(target), (error, socket) => {
      socket?.destroy();
      if (!error) return resolve(ok(`endpoint ${key}`, "accepts connections"));
      const { code, reason, remedy } = errorFields(error);
      const detail = reason.includes(code) ? reason : `${code}: ${reason}`;
      resolve({
        check: `endpoint ${key}`,
        status: "failed",
        detail,
        ...(remedy !== undefined && { remedy }),
      });
    });
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isoDay = (ms: number): string =>
  Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : "never";
const ok = (check: string, detail: string): Finding => ({ check, status: "ok", detail });
const failed = (check: string, detail: string, remedy: string): Finding => ({
  check,
  status: "failed",
  detail,
  remedy,
});

/** For people: one line each, remedies below. */
export function findingsText(findings: readonly Finding[]): string {
  return findings
    .map(({ check, status, detail, remedy }) => {
      const line = `${status.padEnd(7)}  ${check}: ${detail}`;
      return remedy === undefined ? line : `${line}\n         ${remedy}`;
    })
    .join("\n");
}
