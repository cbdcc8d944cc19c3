// `server … ssl …` → TLS towards the servers of a backend (§5.2: ssl, verify, ca-file, crt, sni, verifyhost, alpn, proto).
import { preciseHostnameSchema } from "#contract/http-route.ts";
import { canonicalJson } from "#contract/canonical-json.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import type { Notes } from "../notes.ts";
import type { Statement } from "../statement.ts";
import { certificateFile, type CertificateFolders } from "./bind-certificates.ts";
import type { Server, ServerTls } from "./server-line.ts";

type TlsInput = NonNullable<NonNullable<NativeConfigInput["backends"]>[number]["tls"]>;

export interface ServerTlsContext {
  readonly folders: CertificateFolders;
  /** False: `ssl-server-verify none`. */
  readonly verifiesServers: boolean;
  readonly notes: Notes;
  /** By the name of a proxy: the port that its clients have connected to, where there is one. */
  readonly ports: ReadonlyMap<string, number>;
}

/**
 * Of servers of requests in TLS, or of those that are only checked in it. Undefined: the runtime's own, by the system's
 * authorities and the server's address. All servers must agree.
 */
export function translateServerTls(
  servers: readonly Server[],
  checksSpeakTls: boolean,
  context: ServerTlsContext,
): TlsInput | undefined {
  const [first] = servers;
  if (!first || (!first.options.tls && !checksSpeakTls)) return undefined;
  const settings = canonicalJson(first.options.serverTls);
  for (const { statement, options } of servers) {
    if (!(options.tls || checksSpeakTls) || canonicalJson(options.serverTls) === settings) continue;
    context.notes.add(statement, {
      code: "statement-unsupported",
      message: "the servers of a backend all have the same settings of TLS",
      remedy: "Give the others a backend of their own.",
    });
  }
  const { serverTls } = first.options;
  const { caFile, crt } = serverTls;
  const { folders } = context;
  const certificate = crt === undefined ? undefined : certificateFile(folders.crt, crt);
  const tls: TlsInput = {
    ...verificationOf(serverTls, first.statement, context),
    ...(certificate !== undefined && {
      // One file with both, as HAProxy has it.
      clientCertificate: { certFile: certificate, keyFile: certificate },
    }),
    ...(caFile !== undefined &&
      isVerified(serverTls, context) &&
      (caFile === systemAuthorities
        ? { wellKnownCACertificates: "System" as const }
        : { caFiles: [certificateFile(folders.ca, caFile)] })),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

const systemAuthorities = "@system-ca";

function isVerified({ verify }: ServerTls, { verifiesServers }: ServerTlsContext): boolean {
  return verify === undefined ? verifiesServers : verify === "required";
}

function verificationOf(
  serverTls: ServerTls,
  statement: Statement,
  context: ServerTlsContext,
): Pick<TlsInput, "hostname" | "insecureSkipVerify"> {
  const { notes } = context;
  const hostname = hostnameOf(serverTls, statement, notes);
  if (!isVerified(serverTls, context)) {
    const message = "the servers are not verified: whoever is in between can read and write";
    const remedy = "Write `verify required`, `ca-file` and `verifyhost`.";
    notes.add(statement, { code: "endpoint-unverified", message, remedy });
    return { ...(hostname !== undefined && { hostname }), insecureSkipVerify: true };
  }
  if (hostname !== undefined) return { hostname };
  const message = "a server's certificate must be for its address; HAProxy looks for no name without one";
  notes.add(statement, {
    code: "statement-approximated",
    message,
    remedy: "Say with `verifyhost` what the certificate is for.",
  });
  return {};
}

/** "either the name passed using the sni directive, or if not provided, … verifyhost" (§5.2, verify). */
function hostnameOf({ sni, verifyhost }: ServerTls, statement: Statement, notes: Notes): string | undefined {
  const fixed =
    sni === undefined ? undefined : /^str\(([^()]*)\)$/.exec(sni)?.[1]?.replace(/^(["'])(.*)\1$/, "$2");
  if (sni !== undefined && fixed === undefined) {
    notes.add(statement, {
      code: "statement-approximated",
      message: `the name in TLS is one for all requests, not ${sni}`,
      remedy: "Write `sni str(NAME)`.",
    });
  }
  const name = fixed ?? verifyhost;
  if (name === undefined || preciseHostnameSchema.safeParse(name).success) return name;
  notes.add(statement, {
    code: "statement-unsupported",
    message: `${JSON.stringify(name)} is not a host name`,
    remedy: "Write the name that the server's certificate is for.",
  });
  return undefined;
}
