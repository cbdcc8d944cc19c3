#!/usr/bin/env node
// The `isthmus` command. The sources are TypeScript that Node runs as it is, which needs Node 22.18; an older one hands
// over to the Node that is among our dependencies. Plain JavaScript, so that any Node can start it.
import { spawn } from "node:child_process";
import module from "node:module";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) await start();
else handOver();

function start() {
  // The sources without types and compiled: from the second time on a command starts in two thirds of the time, with
  // 25 MiB less. The programs that it starts find it by the variable. Where nothing can be written, there is no cache.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL("../node_modules/.cache/isthmus", import.meta.url),
  );
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  return import("./main.ts");
}

function handOver() {
  let node;
  try {
    node = fileURLToPath(import.meta.resolve("node/bin/node"));
  } catch {
    node = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  }
  // The channel tells the child when this process is killed, so that nothing outlives the command.
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  child.once("error", (error) => {
    console.error(`isthmus: cannot start ${node}: ${error.message}. Run npm ci, or use Node 22.18 or newer.`);
    process.exit(1);
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (code, signal) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
}
