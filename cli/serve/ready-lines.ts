// What `isthmus serve` prints once it serves: one line per listener, then where the control and the tunnel are.
import { hostPort } from "./direct-endpoints.ts";
import { everyAddress } from "./serve-options.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

export function readyLines({ options, ports }: Pick<SupervisorTask, "options" | "ports">): string[] {
  const lines = ports.flatMap(({ listeners }) =>
    listeners.map(({ name, protocol, port, addresses }) => {
      const host = options.host === everyAddress ? (addresses?.[0] ?? everyAddress) : options.host;
      return `listener ${name} ${protocol.toLowerCase()}://${place(host, port + options.portOffset)}`;
    }),
  );
  lines.push(`control http://${hostPort(options.control.host, options.control.port)}`);
  if (options.tunnel) lines.push(`tunnel https://${place(options.tunnel.host, options.tunnel.port)}`);
  return lines;
}

function place(host: string, port: number): string {
  return hostPort(host === everyAddress ? "0.0.0.0" : host, port);
}
