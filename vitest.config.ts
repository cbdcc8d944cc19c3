// Four projects: pure folders run in both runtimes, Workers in workerd, Node programs in Node, end to end apart.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** A loaded machine is slow, not wrong: only what hangs takes so long. */
const testTimeout = 30_000;

const pure = ["contract/**/*.test.ts", "traffic/**/*.test.ts", "config/**/*.test.ts"];

export default defineConfig({
  test: {
    // What Workers and programs log is of interest when a test fails.
    silent: "passed-only",
    projects: [
      {
        test: {
          name: "node",
          testTimeout,
          // Starting a process per file costs more than the tests; none leaves anything behind.
          isolate: false,
          include: [...pure, "hub/**/*.test.ts", "cli/**/*.test.ts", "origin-agent/**/*.test.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            // No control here: unit tests of the gateway see one that is down, as static stability demands.
            miniflare: {
              serviceBindings: { CONTROL: () => new Response("control is down", { status: 503 }) },
            },
          }),
        ],
        test: {
          name: "gateway",
          testTimeout,
          isolate: false,
          include: [...pure, "worker/**/*.test.ts"],
          exclude: ["**/*.node.test.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./control/wrangler.toml" },
            miniflare: {
              bindings: {
                ADMIN_TOKEN: "bootstrap-admin-token-of-the-tests",
                CA_KEY_SECRET: "key-secret-of-the-tests",
              },
            },
          }),
        ],
        test: { name: "control", testTimeout, include: ["control/**/*.test.ts"] },
      },
      {
        test: { name: "e2e", include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
