// What the agent's options say about dialling.
import type { DialOptions } from "./dial.ts";
import { readEndpointCaFile } from "./dial.ts";
import { createDialPolicy } from "./dial-policy.ts";
import { createEndpointTls } from "./endpoint-tls.ts";
import type { AgentOptions } from "./options.ts";

/** Throws `AgentError` `options_invalid`. */
export function dialOptions(options: AgentOptions, connectTimeoutMs: number): DialOptions {
  const { allow, endpointCaFile, tlsDir, connectTo } = options;
  const defaultCaPem = endpointCaFile === undefined ? undefined : readEndpointCaFile(endpointCaFile);
  return {
    policy: createDialPolicy(allow),
    connectTimeoutMs,
    endpointTls: createEndpointTls({ directories: tlsDir, defaultCaPem }),
    connectTo,
  };
}
