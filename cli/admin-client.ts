// The admin API of the control worker as the commands use it: every answer is checked against contract/admin.ts, every
// refusal becomes a CommandError with the control's own code.
import { z } from "zod";
import {
  adminErrorSchema,
  auditPageSchema,
  authoritySchema,
  certificatePageSchema,
  certificateSummarySchema,
  diffResponseSchema,
  joinTokenSchema,
  publishResponseSchema,
  serverCertificateSchema,
  statusSchema,
  tokenCreatedSchema,
  tokenListSchema,
  trustResponseSchema,
  versionDetailSchema,
  versionOutlineSchema,
  versionPageSchema,
  type AdminError,
  type importAuthorityRequestSchema,
  type PublishRequest,
  type PublishResponse,
  type Role,
  type Status,
  type VersionDetail,
  type VersionOutline,
} from "#contract/admin.ts";
import {
  endpointListSchema,
  endpointStandingSchema,
  type AdministerRequest,
  type EndpointStanding,
} from "#contract/administration.ts";
import { statsSchema, type Stats } from "#contract/stats.ts";
import { CommandError, systemCode, type ExitReason } from "./command-error.ts";

export interface AdminTarget {
  /** Base URL of the control, such as `http://127.0.0.1:8081`. */
  readonly url: string;
  readonly token: string;
}

/** A refusal with everything the control said about it. */
export class RefusedError extends CommandError {
  readonly answer: AdminError;

  constructor(reason: ExitReason, answer: AdminError) {
    super(reason, answer.message, { remedy: answer.remedy, code: answer.code });
    this.answer = answer;
  }
}

/** Whole configurations travel in one request. */
const timeoutMs = 60_000;

export class AdminClient {
  readonly #target: AdminTarget;

  constructor(target: AdminTarget) {
    this.#target = target;
  }

  get url(): string {
    return this.#target.url;
  }

  status(): Promise<Status> {
    return this.#call("GET", "/v1/status", statusSchema);
  }

  publish(request: PublishRequest): Promise<PublishResponse> {
    return this.#call("POST", "/v1/versions", publishResponseSchema, request);
  }

  versions(page: Page = {}): Promise<z.infer<typeof versionPageSchema>> {
    return this.#call("GET", `/v1/versions${query(page)}`, versionPageSchema);
  }

  version(version: number | "current"): Promise<VersionDetail> {
    return this.#call("GET", `/v1/versions/${version}`, versionDetailSchema);
  }

  outline(): Promise<VersionOutline> {
    return this.#call("GET", "/v1/versions/current/outline", versionOutlineSchema);
  }

  diff(from: number, to: number): Promise<z.infer<typeof diffResponseSchema>> {
    return this.#call("GET", `/v1/diff${query({ from, to })}`, diffResponseSchema);
  }

  rollback(request: { version: number; reason: string; baseVersion?: number }): Promise<PublishResponse> {
    return this.#call("POST", "/v1/rollback", publishResponseSchema, request);
  }

  tokens(): Promise<z.infer<typeof tokenListSchema>> {
    return this.#call("GET", "/v1/tokens", tokenListSchema);
  }

  createToken(request: {
    name: string;
    role: Role;
    expiresInSeconds?: number;
  }): Promise<z.infer<typeof tokenCreatedSchema>> {
    return this.#call("POST", "/v1/tokens", tokenCreatedSchema, request);
  }

  deleteToken(id: string): Promise<unknown> {
    return this.#call("DELETE", `/v1/tokens/${encodeURIComponent(id)}`, z.unknown());
  }

  createJoinToken(request: {
    tunnel: string;
    expiresInSeconds?: number;
  }): Promise<z.infer<typeof joinTokenSchema>> {
    return this.#call("POST", "/v1/join-tokens", joinTokenSchema, request);
  }

  certificates(page: Page = {}): Promise<z.infer<typeof certificatePageSchema>> {
    return this.#call("GET", `/v1/certificates${query(page)}`, certificatePageSchema);
  }

  revokeCertificate(serial: string, reason: string): Promise<z.infer<typeof certificateSummarySchema>> {
    const path = `/v1/certificates/${encodeURIComponent(serial)}/revoke`;
    return this.#call("POST", path, certificateSummarySchema, { reason });
  }

  serverCertificate(request: {
    csrPem: string;
    names: string[];
  }): Promise<z.infer<typeof serverCertificateSchema>> {
    return this.#call("POST", "/v1/certificates/server", serverCertificateSchema, request);
  }

  trust(): Promise<z.infer<typeof trustResponseSchema>> {
    return this.#call("GET", "/v1/trust", trustResponseSchema);
  }

  stats(): Promise<Stats> {
    return this.#call("GET", "/v1/stats", statsSchema);
  }

  endpoints(): Promise<z.infer<typeof endpointListSchema>> {
    return this.#call("GET", "/v1/endpoints", endpointListSchema);
  }

  administer(request: AdministerRequest): Promise<EndpointStanding> {
    return this.#call("POST", "/v1/endpoints", endpointStandingSchema, request);
  }

  authority(): Promise<z.infer<typeof authoritySchema>> {
    return this.#call("GET", "/v1/ca", authoritySchema);
  }

  /** A new root, which takes over once every holder of trust can have seen it. */
  rotateAuthority(leadSeconds?: number): Promise<z.infer<typeof trustResponseSchema>> {
    const body = leadSeconds === undefined ? {} : { leadSeconds };
    return this.#call("POST", "/v1/ca/rotate", trustResponseSchema, body);
  }

  /** Changes nothing where it is there already. */
  importAuthority(
    request: z.input<typeof importAuthorityRequestSchema>,
  ): Promise<z.infer<typeof trustResponseSchema>> {
    return this.#call("POST", "/v1/ca/import", trustResponseSchema, request);
  }

  retireAuthority(id: string, force: boolean): Promise<z.infer<typeof trustResponseSchema>> {
    return this.#call("POST", `/v1/ca/roots/${encodeURIComponent(id)}/retire`, trustResponseSchema, {
      force,
    });
  }

  audit(page: Page = {}): Promise<z.infer<typeof auditPageSchema>> {
    return this.#call("GET", `/v1/audit${query(page)}`, auditPageSchema);
  }

  async #call<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body);
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    const parsed = schema.safeParse(text === "" ? undefined : json(text));
    if (parsed.success) return parsed.data;
    throw new CommandError("failure", `the control's answer to ${method} ${path} is not as agreed`, {
      remedy: "Use the same version of isthmus for the command and the control.",
      code: "answer_invalid",
      cause: parsed.error,
    });
  }

  async #send(method: string, path: string, body: unknown): Promise<Response> {
    const { url, token } = this.#target;
    try {
      return await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      const why = systemCode(error) ?? (error instanceof Error ? error.message : String(error));
      throw new CommandError("unreachable", `cannot reach the control at ${url}: ${why}`, {
        remedy: "Is `isthmus serve` running? Name it with --data DIR or --control URL.",
        cause: error,
      });
    }
  }
}

interface Page {
  readonly limit?: number;
  readonly before?: string;
}

function query(values: Record<string, string | number | undefined> | Page): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `?${search.toString()}` : "";
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const reasons: Record<number, ExitReason> = {
  400: "invalid",
  401: "refused",
  403: "refused",
  409: "conflict",
  413: "invalid",
  422: "invalid",
  502: "unreachable",
  503: "unreachable",
};

function refusal(status: number, text: string): CommandError {
  const parsed = adminErrorSchema.safeParse(json(text));
  const reason = reasons[status] ?? "failure";
  if (parsed.success) return new RefusedError(reason, parsed.data);
  return new CommandError(reason, `the control answered ${status}`, { code: `http_${status}` });
}
