// Where the last good snapshot lies in KV, for isolates that start while the state object cannot be reached.

export const snapshotKey = "snapshot";
