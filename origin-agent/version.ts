// Version of the agent's program, which is that of the package.
import manifest from "../package.json" with { type: "json" };

export const agentVersion = manifest.version;
