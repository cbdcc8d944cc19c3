// The manifests in deploy/agent fit the agent that they start.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { createDialPolicy } from "./dial-policy.ts";
import { readOptions } from "./options.ts";

const deployFile = (name: string) => fileURLToPath(new URL(`../deploy/agent/${name}`, import.meta.url));

test("the options of the ConfigMap are complete and valid", () => {
  const options = readOptions({}, deployFile("agent.yaml"));
  expect(createDialPolicy(options.allow).permits("10.1.2.3", 8080)).toBe(true);
});

test("every resource of the kustomization is there, and drain fits into the grace period", async () => {
  const load = async (name: string) =>
    parse(await readFile(deployFile(name), "utf8")) as Record<string, unknown>;
  const { resources } = (await load("kustomization.yaml")) as { resources: string[] };
  for (const resource of resources) await expect(load(resource)).resolves.toHaveProperty("kind");

  const { spec } = (await load("stateful-set.yaml")) as {
    spec: { template: { spec: { terminationGracePeriodSeconds: number } } };
  };
  const { drainTimeoutMs } = readOptions({}, deployFile("agent.yaml"));
  expect(spec.template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainTimeoutMs);
});
