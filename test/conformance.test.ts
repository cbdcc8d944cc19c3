// The Gateway API's conformance tests by their names, through `isthmus serve`: docs/conformance.md is what they say.
// `UPDATE_CONFORMANCE=1 vitest run --project e2e test/conformance.test.ts` writes it.
import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { developmentCertificate } from "../cli/serve/dev-certificate.ts";
import { statusReader, type Running } from "./conformance/conformance-test.ts";
import { startGrpcPods, type GrpcPods } from "./conformance/grpc-pods.ts";
import { reportText } from "./conformance/report.ts";
import { conformanceTests } from "./conformance/tests.ts";
import { unsupportedTests } from "./conformance/unsupported.ts";
import { startTlsWorld, type TlsWorld } from "./conformance/tls-world.ts";
import { startPods, type Pods, type World } from "./conformance/world.ts";
import { startAgent, startSystem, type System } from "./system/isthmus.ts";
import { freePorts, type Program } from "./system/process.ts";

const worlds = new Map<string, Running>();
let pods: Pods;
let tls: TlsWorld;
let grpc: GrpcPods;
let system: System;
let agent: Program;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "isthmus-conformance-"));
  const { certFile, keyFile } = await developmentCertificate(scratch, ["example.org"], Date.now());
  const certificate = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  pods = await startPods();
  tls = await startTlsWorld();
  grpc = await startGrpcPods(tls.pod);
  const free = await freePorts(1 + conformanceTests.flatMap(({ ports = ["http"] }) => ports).length);
  const closedPort = free.pop()!;
  const manifests: string[] = [];
  const made = new Map<string, World>();
  for (const { name, ports = ["http"], manifests: make } of conformanceTests) {
    const world: World = {
      namespace: name.toLowerCase(),
      ports: Object.fromEntries(ports.map((port) => [port, free.pop()!])),
      pods,
      grpcPorts: grpc.ports,
      closedPort,
      certificate,
      tls,
    };
    made.set(name, world);
    manifests.push(make(world));
  }
  const config = manifests.join("").replace(/^---\n/, "");
  const { statuses = [] } = loadConfig([{ name: "manifests.yaml", content: config }]);
  for (const [name, world] of made) {
    worlds.set(name, { ...world, ...statusReader(statuses, world.namespace) });
  }
  system = await startSystem(config, ["--processes", "1"]);
  agent = await startAgent(system, "cluster");
}, 120_000);

afterAll(async () => {
  await agent?.stop();
  await system?.stop();
  await pods?.stop();
  await tls?.stop();
  grpc?.stop();
  await rm(scratch, { recursive: true, force: true });
});

describe("conformance", () => {
  test.each(conformanceTests.map((one) => [one.name, one] as const))(
    "%s",
    async (name, { run }) => run(worlds.get(name)!),
    60_000,
  );
});

test("docs/conformance.md says what these tests say", () => {
  const path = resolve(import.meta.dirname, "../docs/conformance.md");
  const text = reportText(conformanceTests, unsupportedTests);
  if (process.env["UPDATE_CONFORMANCE"] === "1") writeFileSync(path, text);
  expect(readFileSync(path, "utf8")).toBe(text);
});
