// The tunnel's port. A connection whose ClientHello names the shard that it is for goes to the process of that hub before
// TLS has begun (decision 0023); TLS of all others ends here.
import type { Server as HttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { dialledShard } from "#contract/tunnel/target.ts";
import { bounds } from "./bounds.ts";
import { innerServer } from "./inner-server.ts";
import { readClientHello } from "./read-client-hello.ts";

/** Gives away a connection with what has been read of it. False: it stays here. */
export type PassOn = (shard: number, start: Buffer, socket: Socket) => boolean;

/** `secure` listens nowhere. */
export function tunnelPort(secure: HttpsServer, passOn: PassOn): Server {
  innerServer(secure);
  return createServer({ noDelay: true }, (socket) =>
    readClientHello(socket, bounds.handshakeTimeoutMs, ({ protocols }, start) => {
      const shard = dialledShard(protocols);
      if (shard !== undefined && passOn(shard, start, socket)) return;
      socket.unshift(start);
      secure.emit("connection", socket);
    }),
  );
}
