// What the manifests of the HTTPRoute tests are made of, and how their answers are compared.
import { expect } from "vitest";
import type { ConformanceTest, Running } from "./conformance-test.ts";
import { baseServices, gateway, get, route, type World } from "./world.ts";

export const http = ({ ports }: World): string => `- { name: http, port: ${ports["http"]}, protocol: HTTP }`;
export const open = ({ ports }: World): string =>
  `- { name: http, port: ${ports["http"]}, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }`;
export const to = (version: number, more = ""): string =>
  `[{ name: infra-backend-v${version}, port: 8080${more} }]`;
export const base = (world: World, ...routes: string[]): string =>
  gateway(world, http(world)) + baseServices(world) + routes.join("");
export const [v1, v2, v3] = [1, 2, 3].map((version) => `200 infra-backend-v${version}`);

/** Requests and what comes out of them, one per line: `HOST PATH`. */
export async function expectAll(
  port: number,
  table: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const found: Record<string, string> = {};
  for (const key of Object.keys(table)) {
    const [host, path, ...headers] = key.split(" ");
    const fields = Object.fromEntries(headers.map((header) => header.split("=") as [string, string]));
    found[key] = await get(port, host!, path, { headers: fields });
  }
  expect(found).toEqual(table);
}

/** A test with one Gateway and one route. */
export function simple(
  name: string,
  rules: string,
  run: (world: Running & { readonly port: number }) => Promise<void>,
  more: (world: World) => string = () => "",
): ConformanceTest {
  return {
    name,
    support: "extended",
    manifests: (world) =>
      gateway(world, http(world)) +
      baseServices(world) +
      more(world) +
      route(world, "r", `parentRefs: [{ name: gw }]\nrules:\n${rules}`),
    run: (world) => run({ ...world, port: world.ports["http"]! }),
  };
}
