// Certificates and keys in the native configuration: files, or text.
import { z } from "zod";
import { limits } from "#contract/limits.ts";

/** Certificates or keys as text (RFC 7468). Empty: a key that was taken out before the text was handed on. */
export const pemSchema = z
  .string()
  .max(limits.pemChars)
  .regex(/^$|-----BEGIN [A-Z0-9 ]+-----/, "expected PEM text, with -----BEGIN …-----");

export const certificateSchema = z
  .strictObject({
    certFile: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe("PEM file with the certificate chain, leaf first; relative to this file."),
    keyFile: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe("PEM file with the private key; relative to this file."),
    certificate: pemSchema.optional().describe("In place of certFile: the chain itself, PEM, leaf first."),
    privateKey: pemSchema
      .optional()
      .describe(
        "With certificate: its key, PEM. It is not handed on: whoever gets the text from us finds it empty.",
      ),
  })
  .refine(
    ({ certFile, keyFile, certificate, privateKey }) =>
      certificate === undefined
        ? certFile !== undefined && keyFile !== undefined && privateKey === undefined
        : certFile === undefined && keyFile === undefined,
    { message: "expected certFile and keyFile, or certificate and privateKey" },
  );
