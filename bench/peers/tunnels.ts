// Tunnels that ours is compared with. The near end, which clients speak to, runs on the measured core, the far end, beside
// the origin, on the other one. All of them encrypt what goes between.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, loadCore, measuredCore, start, until, type Running } from "../process.ts";
import { exportPrivateKeyPem, exportPublicKey, generateKeyPair } from "../../contract/identity/key-pair.ts";
import { encodePem } from "../../contract/identity/pem.ts";
import { serialFromRandom, signCertificate } from "../../contract/identity/sign-certificate.ts";
import type { Peer, PeerContext, RunningPeer } from "./peer.ts";

interface Ends {
  near: Running;
  far: Running;
}

/** `open` starts both ends: the near one listens on `port` for what goes to the origin. */
function tunnel(
  name: string,
  needs: string | undefined,
  open: (context: PeerContext, port: number) => Promise<Ends>,
): Peer {
  return {
    name,
    ...(needs !== undefined && { needs }),
    async start(context): Promise<RunningPeer> {
      const port = await freePort();
      const { near, far } = await open(context, port);
      const url = `http://127.0.0.1:${port}/`;
      await until(name, async () => (await fetch(url)).ok, near);
      const stop = async (): Promise<void> => void (await Promise.all([near.stop(), far.stop()]));
      return { url, host: "tunnel.example.com", running: near, far, stop };
    },
  };
}

/** Without a client certificate: that is checked once for each connection, which this does not compare. */
async function certificate(directory: string): Promise<{ cert: string; key: string; both: string }> {
  const pair = await generateKeyPair();
  const spki = await exportPublicKey(pair.publicKey);
  const nowMs = Date.now();
  const der = await signCertificate(
    {
      serial: serialFromRandom(crypto.getRandomValues(new Uint8Array(16))),
      commonName: "bench",
      notBeforeMs: nowMs - 60_000,
      notAfterMs: nowMs + 86_400_000,
      spki,
      purposes: ["serverAuth"],
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
    },
    { commonName: "bench", spki, privateKey: pair.privateKey },
  );
  const [cert, key, both] = ["tls.crt", "tls.key", "tls.pem"].map((file) => join(directory, file));
  const [certPem, keyPem] = [encodePem("CERTIFICATE", der), await exportPrivateKeyPem(pair.privateKey)];
  await writeFile(cert!, certPem);
  await writeFile(key!, keyPem, { mode: 0o600 });
  await writeFile(both!, certPem + keyPem, { mode: 0o600 });
  return { cert: cert!, key: key!, both: both! };
}

export const tlsPipe: Peer = tunnel(
  "TLS piping (Node)",
  undefined,
  async ({ directory, originPort }, port) => {
    const { cert, key } = await certificate(directory);
    const between = await freePort();
    const script = join(import.meta.dirname, "../tunnel/tls-pipe.ts");
    const end = (which: string, listen: number, target: number, core: number): Running =>
      start(process.execPath, [script, which, String(listen), String(target), cert, key], core);
    return {
      far: end("far", between, originPort, loadCore),
      near: end("near", port, between, measuredCore),
    };
  },
);

/** Speaks HTTP on the outside, as the gateway does, and keeps its TLS connections. */
export const haproxyTls: Peer = tunnel(
  "HAProxy, TLS hop",
  "haproxy",
  async ({ directory, originPort }, port) => {
    const { cert, both } = await certificate(directory);
    const between = await freePort();
    const end = async (file: string, bind: string, server: string, core: number): Promise<Running> => {
      const path = join(directory, file);
      await writeFile(
        path,
        `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
listen tunnel
  bind ${bind}
  server one ${server}
`,
      );
      return start("haproxy", ["-db", "-f", path], core);
    };
    return {
      far: await end("far.cfg", `127.0.0.1:${between} ssl crt ${both}`, `127.0.0.1:${originPort}`, loadCore),
      near: await end(
        "near.cfg",
        `127.0.0.1:${port}`,
        `127.0.0.1:${between} ssl ca-file ${cert} verifyhost localhost`,
        measuredCore,
      ),
    };
  },
);

/** A channel of one SSH connection for each connection of a client. The user runs a server of its own, with its own keys. */
export const ssh: Peer = tunnel("ssh -L", "/usr/sbin/sshd", async ({ directory, originPort }, port) => {
  const between = await freePort();
  const file = (name: string): string => join(directory, name);
  for (const key of ["host", "user"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(key)]);
  await writeFile(file("authorized"), await readFile(file("user.pub")), { mode: 0o600 });
  // Where the server separates privileges, it wants this to exist.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  await writeFile(
    file("sshd_config"),
    `ListenAddress 127.0.0.1:${between}
HostKey ${file("host")}
AuthorizedKeysFile ${file("authorized")}
PidFile none
StrictModes no
UsePAM no
MaxSessions 4096
`,
  );
  const far = start("/usr/sbin/sshd", ["-D", "-e", "-f", file("sshd_config")], loadCore);
  await until("sshd", async () => far.output().includes("listening"), far);
  const options = ["StrictHostKeyChecking=no", `UserKnownHostsFile=${file("known")}`, "IdentitiesOnly=yes"];
  const near = start(
    "ssh",
    [
      ...options.flatMap((option) => ["-o", option]),
      "-N",
      `-i${file("user")}`,
      `-p${between}`,
      `-L127.0.0.1:${port}:127.0.0.1:${originPort}`,
      "127.0.0.1",
    ],
    measuredCore,
  );
  return { near, far };
});

/** https://github.com/rapiz1/rathole: a TCP connection through Noise for each connection of a client. */
export const rathole: Peer = tunnel("rathole", "rathole", async ({ directory, originPort }, port) => {
  const between = await freePort();
  const [privateKey, publicKey] = noiseKeys();
  const end = async (kind: string, address: string, service: string, core: number): Promise<Running> => {
    const file = join(directory, `${kind}.toml`);
    await writeFile(
      file,
      `[${kind}]
${address} = "127.0.0.1:${between}"
default_token = "bench"
[${kind}.transport]
type = "noise"
[${kind}.transport.noise]
${kind === "server" ? `local_private_key = "${privateKey}"` : `remote_public_key = "${publicKey}"`}
[${kind}.services.origin]
${service}
`,
    );
    return start("rathole", [`--${kind}`, file], core);
  };
  const near = await end("server", "bind_addr", `bind_addr = "127.0.0.1:${port}"`, measuredCore);
  return {
    near,
    far: await end("client", "remote_addr", `local_addr = "127.0.0.1:${originPort}"`, loadCore),
  };
});

function noiseKeys(): string[] {
  return [...execFileSync("rathole", ["--genkey"], { encoding: "utf8" }).matchAll(/Key:\s+(\S+)/g)].map(
    ([, key]) => key!,
  );
}
