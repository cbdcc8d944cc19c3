// Where clients find nothing, whatever the routes say: agents join and connect under it, on a listener of their own.

export const reservedPrefix = "/.well-known/isthmus/";
