// Sets of JSON Web Keys in manifests (RFC 7517).
import type { z } from "zod";
import { publicJwkSchema } from "#contract/security-policy.ts";

export type PublicKey = z.output<typeof publicJwkSchema>;

/** Text: why there are none. Further members of a key have no meaning (RFC 7517 §4); keys of other kinds are left out. */
export function readJsonWebKeys(text: string): PublicKey[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not a JSON Web Key Set";
  }
  const keys = (value as { keys?: unknown } | null)?.keys;
  const known = Object.keys(publicJwkSchema.shape);
  const found = (Array.isArray(keys) ? keys : []).flatMap((key: unknown): PublicKey[] => {
    if (key === null || typeof key !== "object") return [];
    const parsed = publicJwkSchema.safeParse(
      Object.fromEntries(Object.entries(key).filter(([name]) => known.includes(name))),
    );
    return parsed.success ? [parsed.data] : [];
  });
  return found.length > 0 ? found : "expected a key set with public keys of kind RSA, EC or OKP";
}
