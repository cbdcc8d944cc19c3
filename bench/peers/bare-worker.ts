// The yardstick: a Worker on the same workerd that does nothing but forward.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, measuredCore, start, until } from "../process.ts";
import type { Peer } from "./peer.ts";

const workerd = join(import.meta.dirname, "../../node_modules/.bin/workerd");

export const bareWorker: Peer = {
  name: "bare forwarding Worker",
  async start({ originPort, directory }) {
    const port = await freePort();
    await writeFile(
      join(directory, "bare.js"),
      `export default {
  fetch(request) {
    const url = new URL(request.url);
    return fetch("http://127.0.0.1:${originPort}" + url.pathname + url.search, {
      method: request.method, headers: request.headers, body: request.body, redirect: "manual",
    });
  },
};\n`,
    );
    await writeFile(
      join(directory, "bare.capnp"),
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "bare.js", esModule = embed "bare.js")], compatibilityDate = "2026-10-01")),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);\n`,
    );
    const running = start(workerd, ["serve", join(directory, "bare.capnp")], measuredCore);
    const url = `http://127.0.0.1:${port}/`;
    await until("the bare Worker", async () => (await fetch(url)).ok, running);
    return { url, host: "bare.example.com", running, stop: () => running.stop() };
  },
};
