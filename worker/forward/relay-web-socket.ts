// Passes a WebSocket on message by message, where the gateway has to know when it ends; all others pass untouched.

/** `onEnd` runs exactly once. */
export function relayWebSocket(response: Response, onEnd: () => void): Response {
  const upstream = response.webSocket;
  if (!upstream) return response;
  const pair = new WebSocketPair();
  const [client, server] = [pair[0], pair[1]];
  let open = true;
  const ended = (): void => {
    if (open) onEnd();
    open = false;
  };
  join(upstream, server, ended);
  join(server, upstream, ended);
  upstream.accept();
  server.accept();
  return new Response(null, { status: 101, headers: response.headers, webSocket: client });
}

function join(from: WebSocket, to: WebSocket, ended: () => void): void {
  from.addEventListener("message", ({ data }) => attempt(() => to.send(data)));
  from.addEventListener("close", ({ code, reason }) => {
    ended();
    // 1005 and 1006 stand for a missing code and may not be sent (RFC 6455 §7.4.1).
    const sendable = code >= 1000 && code !== 1005 && code !== 1006;
    attempt(() => (sendable ? to.close(code, reason) : to.close()));
  });
  from.addEventListener("error", () => {
    ended();
    attempt(() => to.close(1011, "the other side broke off"));
  });
}

/** A side that has closed already throws. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Its close event has told.
  }
}
