// Where `isthmus start` listens.

export interface DemoOptions {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly controlPort: number;
  readonly tunnelPort: number;
  /** Show what the processes log. */
  readonly verbose: boolean;
}
