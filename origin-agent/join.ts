// Joining: a one-time token and a signing request for a certificate, over TLS that trusts the CA file alone.
import { readFile } from "node:fs/promises";
import type { JoinRequest } from "#contract/sync.ts";
import { AgentError } from "./agent-error.ts";
import { postToEdge, readCaFile } from "./edge-request.ts";
import { createIdentityRequest } from "./identity-request.ts";
import type { Identity } from "./identity-store.ts";
import type { AgentOptions } from "./options.ts";

const joinPath = "/.well-known/isthmus/join";

/** Joins once. Throws `AgentError` with what to do about it; the caller decides when to try again. */
export async function joinTunnel(options: AgentOptions, stop: AbortSignal): Promise<Identity> {
  const { edge, edgeSocket, tunnel, caFile } = options;
  const [token, caPem] = await Promise.all([readToken(options), readCaFile(caFile)]);
  const identityRequest = await createIdentityRequest(tunnel);
  const body: JoinRequest = { token, tunnel, csrPem: identityRequest.csrPem };
  const answer = await postToEdge(
    { url: new URL(joinPath, edge), socketPath: edgeSocket, caPem },
    body,
    stop,
  ).catch((error: unknown) => {
    throw withTokenRemedy(error, options);
  });
  return identityRequest.complete(answer);
}

async function readToken({ joinTokenFile, tunnel }: AgentOptions): Promise<string> {
  const remedy = newTokenRemedy(tunnel, joinTokenFile);
  if (joinTokenFile === undefined) {
    throw new AgentError("token_unreadable", "no certificate yet, and no --join-token-file to join with", {
      remedy,
    });
  }
  try {
    const token = (await readFile(joinTokenFile, "utf8")).trim();
    if (token !== "") return token;
  } catch (error) {
    const message = `cannot read the join token: ${(error as Error).message}`;
    throw new AgentError("token_unreadable", message, { remedy, cause: error });
  }
  throw new AgentError("token_unreadable", `the join token file ${joinTokenFile} is empty`, { remedy });
}

/** A token is good once and for a while; a refusal most often means that it is spent. */
function withTokenRemedy(error: unknown, { tunnel, joinTokenFile }: AgentOptions): unknown {
  if (!(error instanceof AgentError) || error.code !== "edge_refused" || error.remedy) return error;
  const remedy = newTokenRemedy(tunnel, joinTokenFile);
  return new AgentError(error.code, error.message, { remedy, cause: error });
}

function newTokenRemedy(tunnel: string, file = "FILE"): string {
  return `Write a new token where --join-token-file points: isthmus token join --tunnel ${tunnel} > ${file}`;
}
