// Backend stage, the last one: to the endpoint itself, or to the agent that dials it.
import { forwardDirect } from "../forward/direct.ts";
import { forwardThroughTunnel } from "../forward/tunnel.ts";
import type { BackendScope, Stage } from "./stage.ts";

export const forward: Stage<BackendScope> = ({ backend }) => {
  const { tunnel } = backend;
  return tunnel ? (exchange) => forwardThroughTunnel(exchange, tunnel) : forwardDirect;
};
