// One JSON request to the edge over TLS, trusting the CA file alone.
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { apiErrorSchema } from "#contract/sync.ts";
import { AgentError, reasonOf, systemCode } from "./agent-error.ts";

/** Longest answer that is read: a certificate chain and a trust bundle take a few KiB. */
const answerBytes = 256 * 1024;
const timeoutMs = 15_000;

/** Reads the roots that the edge must be verified against. Throws `AgentError` `ca_file_unreadable`. */
export async function readCaFile(path: string): Promise<string> {
  try {
    const pem = await readFile(path, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
    throw new Error("no PEM certificate in it");
  } catch (error) {
    throw new AgentError(
      "ca_file_unreadable",
      `cannot use the CA file ${path}: ${(error as Error).message}`,
      {
        remedy: "Give --ca-file the PEM file with the roots of the edge's certificate.",
        cause: error,
      },
    );
  }
}

export interface EdgeAddress {
  readonly url: URL;
  /** Unix socket on which the edge is, in place of the URL's host and port. */
  readonly socketPath: string | undefined;
  /** Roots that its certificate must lead to. */
  readonly caPem: string;
}

/** Posts `body` and returns the parsed answer of a 2xx; given up when `stop` aborts. Throws `AgentError` for everything else. */
export async function postToEdge(
  { url, socketPath, caPem }: EdgeAddress,
  body: unknown,
  stop: AbortSignal,
): Promise<unknown> {
  const payload = JSON.stringify(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    const outgoing = request(url, {
      method: "POST",
      ca: caPem,
      minVersion: "TLSv1.2",
      headers,
      signal,
      agent: false,
      ...(socketPath !== undefined && { socketPath }),
    });
    outgoing.on("response", resolve).on("error", reject).end(payload);
  }).catch((error: unknown) => {
    throw edgeConnectError(url.host, error);
  });
  const text = await readBounded(response, answerBytes);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw edgeRefusal(status, text).error;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError("edge_answer_invalid", `the edge's answer to ${url.pathname} is not JSON`, {
      cause: error,
    });
  }
}

/** Text of a message, cut at `limitBytes`; what has arrived if the connection breaks. */
export async function readBounded(message: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let totalBytes = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      totalBytes += chunk.length;
      if (totalBytes > limitBytes) break;
    }
  } catch {
    // The caller judges the part that arrived.
  }
  return Buffer.concat(chunks).toString("utf8", 0, limitBytes);
}

/** What the edge said when it refused: its `ApiError` where it sent one, and that one's code. */
export function edgeRefusal(
  status: number,
  body: string,
): { readonly code: string; readonly error: AgentError } {
  const parsed = apiErrorSchema.safeParse(parseJson(body));
  const { code, message, remedy } = parsed.success
    ? parsed.data
    : { code: `status ${status}`, message: body.slice(0, 200) || "no reason given", remedy: undefined };
  const text = `the edge refused (${status}, ${code}): ${message}`;
  return { code, error: new AgentError("edge_refused", text, remedy === undefined ? {} : { remedy }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unreachableCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

const untrustedRemedy =
  "Check --ca-file (the edge's current roots) and that the host of --edge is in its certificate.";
/** By the system's code. */
const datedRemedies: ReadonlyMap<string, string> = new Map([
  ["CERT_NOT_YET_VALID", "Check this machine's clock (NTP): the certificate begins later."],
  ["CERT_HAS_EXPIRED", "Renew the edge's certificate, or check this machine's clock (NTP)."],
]);

/** Tells an edge that cannot be reached from one that is not who it should be. */
export function edgeConnectError(edge: string, error: unknown): AgentError {
  const code = systemCode(error) ?? "";
  const reason = `${reasonOf(error as Error) || "connection failed"}${code ? ` [${code}]` : ""}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|SIGNATURE/.test(code) && !code.startsWith("ERR_SSL_")) {
    return new AgentError("edge_untrusted", `the edge ${edge} could not be authenticated: ${reason}`, {
      remedy: datedRemedies.get(code) ?? untrustedRemedy,
      cause: error,
    });
  }
  const remedy = unreachableCodes.has(code) ? "Check --edge, DNS and outbound firewalls." : undefined;
  return new AgentError("edge_unreachable", `no connection to the edge ${edge}: ${reason}`, {
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
}
