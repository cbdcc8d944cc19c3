// `isthmus forward tcp` as a person runs it, and what is behind it, for tests of port forwarding.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { runIsthmus, type CommandResult, type System } from "./isthmus.ts";
import { freePorts, startProgram, type Program } from "./process.ts";

const cli = resolve(import.meta.dirname, "../../cli/isthmus.mjs");

export interface Forward {
  readonly program: Program;
  /** On this machine. */
  readonly port: number;
}

/** `token`: path of its file. Resolves once it says that it forwards. */
export async function startForward(system: System, name: string, token: string): Promise<Forward> {
  const [port] = (await freePorts(1)) as [number];
  const program = startProgram([cli, ...forwardFlags(system, port, name, token)]);
  onTestFinished(() => void program.stop());
  await program.printed(new RegExp(`^forwarding 127\\.0\\.0\\.1:${port} -> ${name}$`, "m"));
  return { program, port };
}

/** One that is expected to end by itself. */
export async function failedForward(system: System, name: string, token: string): Promise<CommandResult> {
  const [port] = (await freePorts(1)) as [number];
  return runIsthmus(forwardFlags(system, port, name, token));
}

function forwardFlags(
  { tunnelPort, dataDirectory }: System,
  port: number,
  name: string,
  token: string,
): string[] {
  const target = ["--edge", `https://localhost:${tunnelPort}`, "--ca-file", join(dataDirectory, "ca.pem")];
  return ["forward", "tcp", String(port), name, "--token-file", token, ...target];
}

let tokens = 0;

/** Makes a token and resolves to the path of a file with it. */
export async function forwarderToken(system: System, name: string): Promise<string> {
  const created = await system.run("token", "create", name, "--role", "forwarder");
  if (created.code !== 0) throw new Error(`isthmus token create: ${created.stderr}`);
  return system.file(`token-${name}-${++tokens}`, created.stdout);
}

/** An endpoint that reads until the client ends, and then sends as many bytes, `leastBytes` if that is more. */
export interface Bulk {
  readonly port: number;
  /** SHA-256 of what it got, in the order in which clients ended. */
  readonly received: readonly string[];
  stop(): Promise<void>;
}

/** What the endpoint, and a test, sends over and over. */
const block = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, index) => (index * 31) ^ (index >> 8)));

export async function startBulk(leastBytes: number): Promise<Bulk> {
  const received: string[] = [];
  const answer = async (socket: Socket): Promise<void> => {
    const { hash, bytes } = await receive(socket);
    received.push(hash);
    await sendBulk(socket, Math.max(bytes, leastBytes));
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    void answer(socket).catch(() => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    received,
    async stop() {
      server.close();
      await once(server, "close");
    },
  };
}

/** Everything until the other side ends; this side stays open. */
export async function receive(socket: Socket): Promise<{ hash: string; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { hash: hash.digest("hex"), bytes };
}

/** Sends so many bytes, whole blocks, and ends. */
export async function sendBulk(socket: Socket, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += block.length) {
    if (!socket.write(block)) await once(socket, "drain");
  }
  socket.end();
}

export function hashOfBulk(bytes: number): string {
  const hash = createHash("sha256");
  for (let sent = 0; sent < bytes; sent += block.length) hash.update(block);
  return hash.digest("hex");
}
