// The plainest tunnel: connections piped through TLS, one for one. Runs as its own process, either end:
// `node bench/tunnel/tls-pipe.ts near|far LISTEN_PORT TARGET_PORT CERT KEY`.
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";

const [end, listenPort, targetPort, certFile, keyFile] = process.argv.slice(2);
const cert = readFileSync(certFile!);
const target = { host: "127.0.0.1", port: Number(targetPort) };

function join(a: Socket, b: Socket): void {
  a.setNoDelay(true);
  b.setNoDelay(true);
  pipeline(a, b, a, () => {
    a.destroy();
    b.destroy();
  });
}

const server =
  end === "near"
    ? createServer((client) => join(client, connectTls({ ...target, ca: cert, servername: "localhost" })))
    : createTlsServer({ cert, key: readFileSync(keyFile!) }, (near) => join(near, connect(target)));
server.listen(Number(listenPort), "127.0.0.1");
