// TLS towards endpoints in the snapshot (Gateway API BackendTLSPolicy, Envoy Gateway's Backend): whom to trust, under which
// name, and which certificate to show. What is here is public; a private key is always somewhere else (decision 0013).
import { z } from "zod";
import { hostnameSchema } from "./http-route.ts";
import { limits } from "./limits.ts";

const pemSchema = z.string().max(limits.pemChars);
const fileSchema = z.string().min(1).max(4096);

/** Gateway API SubjectAltName. */
export const subjectAltNameSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("Hostname"),
    hostname: hostnameSchema.describe("A DNS name; `*.example.com` is every name below."),
  }),
  z.strictObject({
    type: z.literal("URI"),
    uri: z.string().min(1).max(2048).describe("A URI, such as a SPIFFE ID."),
  }),
]);

export const backendTlsSchema = z.strictObject({
  /** Server name, and what the certificate must be for. Absent: the endpoint's address. */
  hostname: z.string().max(253).optional(),
  /** One of these must be in the certificate; then the host name is not looked for. */
  subjectAltNames: z.array(subjectAltNameSchema).min(1).max(limits.subjectAltNames).optional(),
  /** Files beside the agent, text, or the roots of its system. Absent: those that the agent was started with. */
  authorities: z
    .union([
      z.strictObject({ files: z.array(fileSchema).min(1).max(16) }),
      z.strictObject({ pem: pemSchema }),
      z.literal("System"),
    ])
    .optional(),
  /** Files beside the agent, or the certificate's text; its key is in the agent's directory then. */
  clientCertificate: z
    .union([
      z.strictObject({ certFile: fileSchema, keyFile: fileSchema }),
      z.strictObject({ certificate: pemSchema }),
    ])
    .optional(),
  insecureSkipVerify: z.literal(true).optional(),
});

export type BackendTls = z.infer<typeof backendTlsSchema>;
export type SubjectAltName = z.infer<typeof subjectAltNameSchema>;

/** Name of the file that holds the key of a certificate which stands in the configuration. */
export async function keyFileName(certificatePem: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(certificatePem));
  return `${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}.key`;
}
