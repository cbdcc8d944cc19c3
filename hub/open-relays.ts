// The WebSockets that are open through a hub, by the gateway process that their clients are connected to: a process that
// ends cannot close them itself, for the runtime passes their frames on without its Worker.
import type { HubGoodbye } from "#contract/hub-call.ts";
import type { WebSocketRelay } from "./websocket-relay.ts";

export class OpenRelays {
  readonly #relays = new Map<WebSocketRelay, string | undefined>();

  add(relay: WebSocketRelay, gatewayProcess: string | undefined): void {
    this.#relays.set(relay, gatewayProcess);
  }

  delete(relay: WebSocketRelay): void {
    this.#relays.delete(relay);
  }

  /** Closes those of one gateway process, or all. */
  goodbye({ gatewayProcess, code, reason }: HubGoodbye): void {
    for (const [relay, process] of this.#relays) {
      if (gatewayProcess === undefined || process === gatewayProcess) relay.leave(code, reason);
    }
  }
}
