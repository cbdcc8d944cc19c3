// ListenerSet: listeners that cannot be served beside those of the Gateway, or of sets that go first.
import { expect } from "vitest";
import type { ConformanceTest, Running } from "./conformance-test.ts";
import { expectAll, v1 } from "./http-route-manifests.ts";
import {
  attached,
  everyListener,
  host,
  listener,
  listenerSet,
  notValid,
  own,
  path,
  toSet,
} from "./listener-set-manifests.ts";
import { baseServices, route, type World } from "./world.ts";

/** Each of two kinds of conflict, as the suite has them: with the Gateway, and with a set that goes first. */
function conflict(
  name: string,
  reason: string,
  rival: (name: string, host: string, world: World) => string,
): ConformanceTest {
  return {
    name,
    support: "extended",
    manifests: (world) => {
      const at = world.ports["http"]!;
      return (
        host(world, "{ from: Same }", `${own(world)}\n${listener("first", "first.com", at)}`) +
        // Sets go by age, then by name.
        listenerSet(
          world,
          "a-both",
          `${listener("free", "set-1.com", at)}
${rival("first", "first.com", world)}
${listener("second", "second.com", at)}`,
        ) +
        listenerSet(world, "b-first", rival("first", "first.com", world)) +
        listenerSet(
          world,
          "c-second",
          `${listener("free", "set-2.com", at)}\n${rival("second", "second.com", world)}`,
        ) +
        listenerSet(world, "d-second", rival("second", "second.com", world)) +
        baseServices(world) +
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }, ${toSet("a-both")}, ${toSet("c-second")}]\n${path("/", 1)}`,
        )
      );
    },
    run: (world) => expectConflict(world, reason),
  };
}

async function expectConflict(world: Running, reason: string): Promise<void> {
  const { conditionsOf, ports } = world;
  const inConflict = [
    `Accepted=False ${reason}`,
    "ResolvedRefs=True ResolvedRefs",
    `Programmed=False ${reason}`,
    `Conflicted=True ${reason}`,
  ];
  const of = (set: string, name: string) => conditionsOf("ListenerSet", set, name);
  expect(attached(world)).toBe(2);
  for (const one of ["own", "first"]) {
    expect(conditionsOf("Gateway", "gw", one)).toEqual([...everyListener, "Conflicted=False NoConflicts"]);
  }
  expect(conditionsOf("ListenerSet", "a-both")).toContain("Programmed=True Programmed");
  expect(of("a-both", "free").slice(0, 3)).toEqual(everyListener);
  expect(of("a-both", "first")).toEqual(inConflict);
  expect(of("a-both", "second").slice(0, 3)).toEqual(everyListener);
  expect(conditionsOf("ListenerSet", "b-first")).toEqual(notValid);
  expect(of("b-first", "first")).toEqual(inConflict);
  expect(conditionsOf("ListenerSet", "c-second")).toContain("Accepted=True ListenersNotValid");
  expect(of("c-second", "free").slice(0, 3)).toEqual(everyListener);
  expect(of("c-second", "second")).toEqual(inConflict);
  expect(conditionsOf("ListenerSet", "d-second")).toEqual(notValid);
  const hosts = ["gateway.com", "first.com", "set-1.com", "second.com", "set-2.com"];
  await expectAll(ports["http"]!, Object.fromEntries(hosts.map((one) => [`${one} /`, v1])));
}

export const listenerSetConflicts: readonly ConformanceTest[] = [
  conflict("ListenerSetHostnameConflict", "HostnameConflict", (name, hostname, { ports }) =>
    listener(name, hostname, ports["http"]!),
  ),
  conflict(
    "ListenerSetProtocolConflict",
    "ProtocolConflict",
    (name, _, { ports }) => `- { name: ${name}, port: ${ports["http"]}, protocol: TCP }`,
  ),
];
