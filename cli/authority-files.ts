// Certificates and key of an operator's own authority, read from files. What they are worth is the control's to judge.
import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CommandError, systemCode } from "./command-error.ts";

export interface AuthorityFiles {
  /** PEM: the issuing certificate, then each one's issuer up to the root. */
  readonly certFile: string;
  /** PEM, in any of the forms that OpenSSL writes, not encrypted. */
  readonly keyFile: string;
}

/** Throws `CommandError` `invalid` that names the file. */
export async function readAuthorityFiles({ certFile, keyFile }: AuthorityFiles): Promise<{
  certificatesPem: string;
  privateKeyPem: string;
}> {
  const [certificatesPem, keyPem] = await Promise.all([readText(certFile), readText(keyFile)]);
  try {
    const key = createPrivateKey(keyPem);
    return { certificatesPem, privateKeyPem: key.export({ type: "pkcs8", format: "pem" }) as string };
  } catch (error) {
    throw new CommandError(
      "invalid",
      `${keyFile} holds no private key that can be read: ${(error as Error).message}`,
      {
        remedy: "Give the key as PEM, without a passphrase, in a file that only you can read.",
        cause: error,
      },
    );
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CommandError("invalid", `cannot read ${file}: ${systemCode(error) ?? "unknown"}`, {
      cause: error,
    });
  }
}
