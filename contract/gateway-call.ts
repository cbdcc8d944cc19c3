// What the supervisor of `isthmus serve` says to one gateway process, through that process's own door.

export const gatewayCalls = {
  /** POST. Answered 204: what had come to the process before has been read by then. */
  ping: "/ping",
  /** POST. As long as its body goes on, clients get no answers: the process is about to end (decision 0014). */
  leave: "/leave",
} as const;
