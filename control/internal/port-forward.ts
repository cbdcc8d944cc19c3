// Who may forward a port to a backend: the holder of a token with the role `forwarder` whom the current configuration allows.
import type { ForwardGrant, ForwardRequest } from "#contract/port-forward.ts";
import { type Env, configStore } from "../env.ts";
import { Refusal } from "../refusal.ts";
import { currentSnapshot } from "../stats/current-snapshot.ts";
import { authenticateToken, requireNotExpired } from "../token/authenticate.ts";

/** Throws {@link Refusal} `unauthenticated`, `forbidden`, `forward_not_permitted` or `forward_unknown`. */
export async function grantForward(env: Env, request: ForwardRequest, nowMs: number): Promise<ForwardGrant> {
  const store = configStore(env);
  const row =
    "token" in request
      ? await authenticateToken(request.token, async (id) => store.findToken(id), nowMs)
      : requireNotExpired(await store.findToken(request.tokenId), nowMs);
  if (row.role !== "forwarder") {
    throw new Refusal("forbidden", `The token ${row.name} has the role ${row.role}, not forwarder.`, {
      remedy: "An admin makes one with `isthmus token create NAME --role forwarder`.",
    });
  }
  const { snapshot } = await currentSnapshot(store);
  const backend = snapshot.backends.find(({ name }) => name === request.name);
  if (!backend?.portForward || backend.tunnel === undefined) {
    throw new Refusal("forward_unknown", `Nothing of the name ${request.name} can be forwarded to.`, {
      remedy: "Name a backend of the configuration that has portForward.",
    });
  }
  const { allow } = backend.portForward;
  if (!allow.includes("*") && !allow.includes(row.name)) {
    throw new Refusal("forward_not_permitted", `${row.name} may not reach ${request.name}.`, {
      remedy: `The backend's portForward.allow has to name ${row.name}.`,
    });
  }
  return { principal: row.name, tokenId: row.id, tunnel: backend.tunnel };
}
