// What the agent of `isthmus serve` shows to endpoints and trusts them by: checked before anything runs. Keys that stand in
// the configuration become files that only this user can read (decision 0013).
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NativeBackend } from "#config/native/schema.ts";
import { keyFileName } from "#contract/backend-tls.ts";
import { CommandError } from "../command-error.ts";
import { fileFinder } from "../config-files.ts";
import { checkAuthorities } from "./client-trust.ts";
import { checkKeyPair } from "./front-door/certificate-choice.ts";
import { readKeyPair } from "./listener-certificates.ts";

/** Throws `CommandError` `invalid` where a file is missing or unusable, or a certificate has no key. */
export async function prepareEndpointTls(
  backends: readonly Pick<NativeBackend, "name" | "tunnel" | "tls">[],
  configFiles: readonly string[],
  keyDirectory: string,
): Promise<void> {
  const find = fileFinder(configFiles);
  for (const { name, tunnel, tls } of backends) {
    // Files of other agents are beside those.
    if (!tls || tunnel !== undefined) continue;
    for (const file of tls.caFiles ?? []) await checkAuthorities(find(file));
    const { certFile, keyFile, certificate, privateKey } = tls.clientCertificate ?? {};
    if (certFile !== undefined && keyFile !== undefined)
      await readKeyPair({ certFile: find(certFile), keyFile: find(keyFile) });
    if (certificate !== undefined) await writeKey(name, certificate, privateKey ?? "", keyDirectory);
  }
}

async function writeKey(backend: string, certPem: string, keyPem: string, directory: string): Promise<void> {
  if (keyPem === "") {
    throw new CommandError("invalid", `backend ${backend} has a client certificate without its private key`, {
      remedy: "Serve the files that hold the key; what the control hands out does not.",
    });
  }
  try {
    checkKeyPair({ certPem, keyPem });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError("invalid", `cannot use the client certificate of backend ${backend}: ${why}`, {
      cause: error,
    });
  }
  await writeFile(join(directory, await keyFileName(certPem)), keyPem, { mode: 0o600 });
}
