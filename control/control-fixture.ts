// For tests only: calls to the control worker's two entry points, and configurations to publish.
import { exports } from "cloudflare:workers";
import { createCsr } from "#contract/identity/csr.ts";
import { type CryptoKeyPair, generateKeyPair } from "#contract/identity/key-pair.ts";
import { SnapshotReader } from "#contract/snapshot-reader.ts";
import { allAtOnce } from "#contract/steps.ts";
import { splitSyncText } from "#contract/sync-text.ts";

export const bootstrapToken = "bootstrap-admin-token-of-the-tests";

interface Fetchers {
  default: Fetcher;
  Internal: Fetcher;
}
const entry = exports as unknown as Fetchers;

export interface Answer {
  status: number;
  // Tests look into answers of every shape; the schemas are checked elsewhere.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** `token: null`: no authorization header. */
export async function admin(
  method: string,
  path: string,
  body?: unknown,
  token: string | null = bootstrapToken,
): Promise<Answer> {
  const response = await entry.default.fetch(`https://control.test${path}`, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

/** `reader`: of a region that has read versions before. */
export async function internal(path: string, body: unknown, reader = new SnapshotReader()): Promise<Answer> {
  const response = await entry.Internal.fetch(`https://control.test${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const { answer, lines } = splitSyncText(await response.text());
  const snapshot = lines === undefined ? {} : { snapshot: allAtOnce(reader.read(lines)) };
  return { status: response.status, body: Object.assign(answer as object, snapshot) };
}

/** One listener, one route, one backend on `port`. */
export function configuration(port: number): { name: string; content: string }[] {
  const content = JSON.stringify({
    listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
    routes: [{ name: "all", rules: [{ backendRefs: [{ name: "orders" }] }] }],
    backends: [{ name: "orders", endpoints: [{ address: "203.0.113.7", port }] }],
  });
  return [{ name: "isthmus.yaml", content }];
}

export function publish(port: number, more: Record<string, unknown> = {}): Promise<Answer> {
  return admin("POST", "/v1/versions", { files: configuration(port), ...more });
}

export function syncReport(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    region: "eu",
    snapshotVersion: 0,
    trustVersion: 0,
    gateways: [],
    agents: [],
    endpoints: [],
    counters: {},
    ...more,
  };
}

export async function newCsr(): Promise<{ keyPair: CryptoKeyPair; csrPem: string }> {
  const keyPair = await generateKeyPair();
  return { keyPair, csrPem: await createCsr(keyPair) };
}

/** A join token for `tunnel`, and what it was exchanged for. */
export async function joined(tunnel = "production"): Promise<Answer> {
  const { body } = await admin("POST", "/v1/join-tokens", { tunnel });
  return internal("/join", { token: body.token, tunnel, csrPem: (await newCsr()).csrPem });
}
