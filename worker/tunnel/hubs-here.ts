// Names of the hubs that live in this process and have connections: an entry point cannot list a namespace's objects.

/** `<tunnel>:<shard>`. Only agents whose certificate names the tunnel get a hub in here. */
export const hubsHere = new Set<string>();
