// Gateway: `ValidateGateway`.
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { Gateway } from "../kinds/gateway.ts";
import { isWildcardName, repeated } from "./values.ts";

export function admitGateway({ servers }: Gateway["body"]["spec"], place: Place): void {
  if (servers.length === 0) invalid(place, "expected at least one server");
  for (const index of repeated(servers, ({ port }) => port.name))
    invalid(at(place, "servers", index, "port", "name"), "another server's port has this name");
  for (const [index, { hosts }] of servers.entries()) {
    for (const [position, entry] of hosts.entries()) {
      const [namespace, host] = entry.includes("/")
        ? (entry.split("/", 2) as [string, string])
        : ["*", entry];
      const field = at(place, "servers", index, "hosts", position);
      if (!/^(?:\*|\.|[a-z0-9][-a-z0-9]*)$/.test(namespace))
        invalid(
          field,
          `expected a namespace, "." or "*" in front of "/"; found ${JSON.stringify(namespace)}`,
        );
      if (!isWildcardName(host)) invalid(field, "expected a host, with '*' for its first label at most");
    }
  }
}
