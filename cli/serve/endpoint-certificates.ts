// What the agent of `isthmus serve` shows to endpoints and trusts them by: checked before anything runs. Keys that stand in
// the configuration become files that only this user can read (decision 0013).
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NativeBackend } from "#config/native/schema.ts";
import { keyFileName } from "#contract/backend-tls.ts";
import { fileFinder } from "../config-files.ts";
import { checkAuthorities } from "./client-trust.ts";
import { checkKeyPair } from "./front-door/certificate-choice.ts";
import { readKeyPair } from "./listener-certificates.ts";

/**
 * Throws `CommandError` `invalid` where a file is missing or unusable. A certificate in the configuration whose key is not
 * there, or does not fit, is one owner's fault and no reason not to serve the others: it is logged, and its endpoints
 * cannot be reached.
 */
export async function prepareEndpointTls(
  backends: readonly Pick<NativeBackend, "name" | "tunnel" | "tls">[],
  configFiles: readonly string[],
  keyDirectory: string,
  log: (line: string) => void,
): Promise<void> {
  const find = fileFinder(configFiles);
  for (const { name, tunnel, tls } of backends) {
    // Files of other agents are beside those.
    if (!tls || tunnel !== undefined) continue;
    for (const file of tls.caFiles ?? []) await checkAuthorities(find(file));
    const { certFile, keyFile, certificate, privateKey = "" } = tls.clientCertificate ?? {};
    if (certFile !== undefined && keyFile !== undefined)
      await readKeyPair({ certFile: find(certFile), keyFile: find(keyFile) });
    if (certificate === undefined) continue;
    const problem = keyProblem(certificate, privateKey);
    if (problem === undefined) await writeKey(certificate, privateKey, keyDirectory);
    else log(`backend ${name} has a client certificate that cannot be shown: ${problem}`);
  }
}

function keyProblem(certPem: string, keyPem: string): string | undefined {
  if (keyPem === "") return "its private key is not in the files; what the control hands out has none";
  try {
    checkKeyPair({ certPem, keyPem });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function writeKey(certPem: string, keyPem: string, directory: string): Promise<void> {
  await writeFile(join(directory, await keyFileName(certPem)), keyPem, { mode: 0o600 });
}
