// Asks the control for a new certificate on behalf of an agent whose identity this hub has verified.
import type { HubMessage } from "#contract/tunnel/control-message.ts";
import type { VerifiedIdentity } from "#contract/identity/certificate.ts";
import { apiErrorSchema, issuedCertificateSchema } from "#contract/sync.ts";
import type { ApiError, RenewRequest } from "#contract/sync.ts";

const timeoutMs = 10_000;

/** Never rejects. */
export async function renewCertificate(
  control: Fetcher,
  identity: VerifiedIdentity,
  request: { readonly id: number; readonly csrPem: string },
): Promise<HubMessage> {
  const { id, csrPem } = request;
  const { spiffeId, serial: certificateSerial } = identity;
  const body: RenewRequest = { spiffeId, certificateSerial, csrPem };
  try {
    const response = await control.fetch("https://control/renew", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.ok) {
      return { type: "renewed", id, certificate: issuedCertificateSchema.parse(await response.json()) };
    }
    return { type: "renew-refused", id, error: await readError(response) };
  } catch (error) {
    const message = `the control cannot be reached: ${String(error)}`;
    return { type: "renew-refused", id, error: { code: "control_unavailable", message } };
  }
}

async function readError(response: Response): Promise<ApiError> {
  const parsed = apiErrorSchema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  return { code: "control_unavailable", message: `the control answered ${response.status}` };
}
