// Asks the control for a new certificate on behalf of an agent whose identity this hub has verified.
import type { HubMessage } from "#contract/tunnel/control-message.ts";
import type { VerifiedIdentity } from "#contract/identity/certificate.ts";
import { apiErrorSchema, issuedCertificateSchema } from "#contract/sync.ts";
import type { RenewRequest } from "#contract/sync.ts";
import { type AskControl, parsedJson } from "./hub-runtime.ts";

/** Never rejects. */
export async function renewCertificate(
  askControl: AskControl,
  identity: VerifiedIdentity,
  request: { readonly id: number; readonly csrPem: string },
): Promise<HubMessage> {
  const { id, csrPem } = request;
  const { spiffeId, serial: certificateSerial } = identity;
  const body: RenewRequest = { spiffeId, certificateSerial, csrPem };
  try {
    const { status, text } = await askControl("/renew", body);
    const answer = parsedJson(text);
    if (status === 200) {
      return { type: "renewed", id, certificate: issuedCertificateSchema.parse(answer) };
    }
    const refused = apiErrorSchema.safeParse(answer);
    const message = `the control answered ${status}`;
    const error = refused.success ? refused.data : { code: "control_unavailable", message };
    return { type: "renew-refused", id, error };
  } catch (error) {
    const message = `the control cannot be reached: ${String(error)}`;
    return { type: "renew-refused", id, error: { code: "control_unavailable", message } };
  }
}
