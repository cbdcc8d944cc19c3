// A plain HTTP client for tests: node:http sends exactly the Host, path and headers it is told, which fetch does not.
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface Ask {
  /** Of the server. Default: 127.0.0.1. */
  address?: string;
  port: number;
  /** Host header. */
  host: string;
  path?: string;
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** TLS, with this CA (PEM) or without verification; perhaps with a certificate of the client's own. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string };
  /** Of this machine, from which the client comes. */
  localAddress?: string;
}

export function ask({
  address = "127.0.0.1",
  port,
  host,
  path = "/",
  method = "GET",
  headers = {},
  body,
  tls,
  localAddress,
}: Ask): Promise<Answer> {
  return new Promise((done, fail) => {
    const send = tls ? httpsRequest : httpRequest;
    const outgoing = send(
      {
        host: address,
        port,
        path,
        method,
        headers: { host, ...headers },
        agent: false,
        ...(localAddress !== undefined && { localAddress }),
        ...(tls && { servername: host.split(":")[0], rejectUnauthorized: tls.ca !== undefined, ...tls }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", fail);
        incoming.once("end", () =>
          done({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            rawHeaders: incoming.rawHeaders,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.once("error", fail);
    outgoing.end(body);
  });
}

/** A `lookup` for which every name is this machine. */
export function loopback(
  _name: string,
  options: { all?: boolean },
  done: (error: null, address: unknown, family?: number) => void,
): void {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
}
