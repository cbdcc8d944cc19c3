// A client that sends bytes as they are, over TCP or TLS, and reads whatever comes until the connection ends.
import { connect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";

export interface WireTarget {
  readonly port: number;
  /** Server name for TLS; absent: plain TCP. */
  readonly serverName?: string;
}

/** Bytes, one per character. Resolves when the peer has closed, or with `enough` of what it sent; never rejects. */
export function sendBytes(
  target: WireTarget,
  bytes: string,
  enough: (answer: string) => boolean = () => false,
): Promise<string> {
  return new Promise((done) => {
    const socket = open(target, () => socket.write(Buffer.from(bytes, "latin1")));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (enough(answer)) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => done(answer));
  });
}

function open({ port, serverName }: WireTarget, opened: () => void): Socket {
  if (serverName === undefined) return connect({ host: "127.0.0.1", port }, opened);
  return tlsConnect(
    {
      host: "127.0.0.1",
      port,
      servername: serverName,
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    },
    opened,
  );
}

/** Status codes of the final answers among bytes of a server. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/(?:^|(?<=[\r\n}]|ok))HTTP\/1\.[01] ([2-5]\d\d)/g)].map(([, status]) =>
    Number(status),
  );
}
