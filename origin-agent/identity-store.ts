// The agent's identity on disk: key, certificate and trust bundle in one file, so that no crash can part them.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nameSchema } from "#contract/snapshot.ts";
import { AgentError, systemCode } from "./agent-error.ts";
import { writeFileAtomic } from "./atomic-file.ts";

const identitySchema = z.strictObject({
  format: z.literal(1),
  tunnel: nameSchema,
  spiffeId: z.string(),
  /** Leaf's serial number, lower-case hex without leading zeros; also the key id of proofs. */
  serial: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  /** PKCS #8. */
  privateKeyPem: z.string(),
  /** Leaf first. */
  certificateChainPem: z.string(),
  trustBundlePem: z.string(),
});
export type Identity = Readonly<z.infer<typeof identitySchema>>;

export interface IdentityStore {
  /** The stored identity; undefined if there is none. Throws `AgentError` `identity_unreadable`. */
  load(): Promise<Identity | undefined>;
  save(identity: Identity): Promise<void>;
  /** Where it is, for remedies. */
  readonly path: string;
}

export function openIdentityStore(dataDir: string): IdentityStore {
  const path = join(dataDir, "identity.json");
  return {
    path,
    async load() {
      try {
        return identitySchema.parse(JSON.parse(await readFile(path, "utf8")));
      } catch (error) {
        if (systemCode(error) === "ENOENT") return undefined;
        throw new AgentError("identity_unreadable", `cannot use the identity in ${path}: ${String(error)}`, {
          remedy: `Remove ${path} and join again with a new token.`,
          cause: error,
        });
      }
    },
    save: (identity) => writeFileAtomic(path, JSON.stringify(identity)),
  };
}
