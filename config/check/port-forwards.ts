// Port forwarding joins the streams of a client and of an agent, so there has to be an agent, and bytes as they are.
import { isLayer4 } from "#contract/snapshot.ts";
import type { Check } from "./check.ts";

export const portForwards: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    if (!backend.portForward) continue;
    const unsupported = (reason: string, remedy: string): void =>
      report.add({
        code: "port-forward-unsupported",
        path: ["backends", index, "portForward"],
        at: "key",
        message: `backend ${JSON.stringify(backend.name)} ${reason}`,
        remedy,
      });
    if (backend.tunnel === undefined) {
      unsupported(
        "has no tunnel, whose agents would open the connections",
        "Name its tunnel, or remove portForward.",
      );
    }
    if (!isLayer4(backend)) {
      const remedy = "Declare a backend with the same endpoints and protocol: TCP.";
      unsupported(`speaks ${backend.protocol}, and connections are forwarded as they are`, remedy);
    }
    if (backend.proxyProtocol) {
      unsupported(
        "expects the PROXY protocol, which a forwarded connection does not begin with",
        "Declare a backend without proxyProtocol, for a port of the endpoints that does not expect it.",
      );
    }
  }
};
