// A WebSocket as the hub sees it, whatever runtime it lives in: whole messages, and one end.

export interface PeerSocket {
  /** Called once, by whoever is given the socket, before anything arrives. */
  listen(handlers: PeerSocketHandlers): void;
  /** A message of a session. `left` is called once the bytes are needed no more. */
  send(message: Uint8Array, left?: () => void): void;
  /** Somebody else's message. `passed`: it has left, as far as the runtime tells. Throws for text that is not UTF-8. */
  pass(message: Uint8Array, isText: boolean, passed: () => void): void;
  /** Without a code: the close frame has none. Nothing happens where it is closed already. */
  close(code?: number, reason?: string): void;
}

export interface PeerSocketHandlers {
  /** The bytes are the handler's to keep. */
  onMessage(message: Uint8Array, isText: boolean): void;
  /** 1005: without a status; 1006: without a close frame. */
  onClose(code: number, reason: string): void;
  onError(): void;
}
