// What the supervisor of `isthmus serve` says to one gateway process, through that process's own door.

export const gatewayCalls = {
  /** POST. As long as its body goes on, clients get no answers: the process is about to end (decision 0014). */
  leave: "/leave",
} as const;
