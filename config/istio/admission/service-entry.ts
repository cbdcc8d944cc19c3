// ServiceEntry and WorkloadEntry: `ValidateServiceEntry`, `ValidateWorkloadEntry`.
import { parseAddress } from "../../native/address.ts";
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { ServiceEntry, Workload } from "../kinds/service-entry.ts";
import { admitLabels, isAddressOrName, isDnsName, isWildcardName, repeated } from "./values.ts";

type Spec = ServiceEntry["body"]["spec"];

export function admitServiceEntry(spec: Spec, place: Place): void {
  const { hosts, ports, endpoints = [], addresses = [], workloadSelector, resolution } = spec;
  for (const [index, host] of hosts.entries()) {
    if (host === "*" || !isWildcardName(host))
      invalid(at(place, "hosts", index), "expected a host, with '*' for its first label at most");
  }
  for (const index of repeated(ports, ({ number }) => number))
    invalid(at(place, "ports", index, "number"), "another port has this number");
  for (const index of repeated(ports, ({ name }) => name || undefined))
    invalid(at(place, "ports", index, "name"), "another port has this name");
  if (workloadSelector) {
    admitLabels(workloadSelector.labels, at(place, "workloadSelector", "labels"));
    if (endpoints.length > 0)
      invalid(at(place, "endpoints"), "a workloadSelector says who the endpoints are", "Write one of them.");
  }
  for (const [index, address] of addresses.entries()) {
    if (address.includes("/") && resolution !== "NONE" && resolution !== "STATIC")
      invalid(at(place, "addresses", index), `resolution ${resolution} has no networks as addresses`);
  }
  admitResolution(spec, place);
  for (const [index, endpoint] of endpoints.entries()) {
    const own = at(place, "endpoints", index);
    admitWorkload(endpoint, own);
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (!ports.some((port) => port.name === name))
        invalid(at(own, "ports", name), "no port of the ServiceEntry has this name");
    }
    if (endpoint.address?.startsWith("unix://") && ports.length !== 1)
      invalid(at(own, "address"), "a Unix socket serves exactly one port");
  }
}

function admitResolution(spec: Spec, place: Place): void {
  const { hosts, endpoints = [], resolution } = spec;
  const own = at(place, "resolution");
  const each = (isFit: (address: string) => boolean, expected: string): void => {
    for (const [index, { address = "" }] of endpoints.entries()) {
      if (address !== "" && !isFit(address)) invalid(at(place, "endpoints", index, "address"), expected);
    }
  };
  switch (resolution) {
    case "NONE":
      if (endpoints.length > 0)
        invalid(
          at(place, "endpoints"),
          "resolution NONE has no endpoints",
          "Write resolution: STATIC or DNS.",
        );
      return;
    case "STATIC":
      return each(
        (address) => parseAddress(address)?.kind === "ip" || address.startsWith("unix://"),
        "expected an address of IP",
      );
    case "DNS":
    case "DNS_ROUND_ROBIN":
      if (endpoints.length === 0 && hosts.some((host) => !isDnsName(host)))
        invalid(own, "a host with '*' cannot be looked up", "Write endpoints.");
      if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1)
        invalid(at(place, "endpoints"), "resolution DNS_ROUND_ROBIN has one endpoint at most");
      return each(isAddressOrName, "expected an address of IP or a name");
    case "DYNAMIC_DNS":
      admitDynamic(spec, place);
  }
}

function admitDynamic({ hosts, ports, endpoints, addresses }: Spec, place: Place): void {
  const refuse = (field: string, message: string): void =>
    invalid(at(place, field), `resolution DYNAMIC_DNS ${message}`);
  if (!hosts.every((host) => host.startsWith("*"))) refuse("hosts", "is for hosts with '*'");
  if (endpoints?.length) refuse("endpoints", "has no endpoints");
  if (addresses?.length) refuse("addresses", "has no addresses");
  if (!ports.every(({ protocol = "" }) => /^(?:http|http2|tls|https|grpc|grpc-web)$/i.test(protocol)))
    refuse("ports", "is for HTTP, HTTP2, GRPC and TLS");
}

export function admitWorkload({ address, ports = {}, labels, network }: Workload, place: Place): void {
  const field = at(place, "address");
  admitLabels(labels, at(place, "labels"));
  if (address === undefined || address === "") {
    if (network === undefined) invalid(field, "expected an address");
  } else if (address.startsWith("unix://")) {
    if (!/^(?:@.|\/.*[^/]$)/.test(address.slice("unix://".length)))
      invalid(field, "expected the absolute path of a socket behind unix://");
    if (Object.keys(ports).length > 0) invalid(at(place, "ports"), "a Unix socket has no ports");
  } else if (!isAddressOrName(address)) invalid(field, "expected an address of IP or a name");
  for (const name of Object.keys(ports)) {
    if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/i.test(name))
      invalid(at(place, "ports", name), "expected a name of a port");
  }
}
