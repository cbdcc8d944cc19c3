import { Command } from "commander";
import { expect, test } from "vitest";
import { addServe } from "./serve.ts";

test("help shows defaults as one writes them", () => {
  const program = new Command();
  addServe(program);
  const help = program.commands[0]?.helpInformation().replace(/\s+/g, " ");
  expect(help).toContain("admin API (default: 127.0.0.1:8081)");
  expect(help).toContain("at the end (default: 10s)");
});
