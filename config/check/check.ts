// What a semantic check is: a look at the whole validated model for one kind of mistake.
import type { NativeConfig } from "../native/schema.ts";
import type { Report } from "../report.ts";

/** Paths given to the report are those of the model. A check takes time linear in the model's size. */
export type Check = (config: NativeConfig, report: Report) => void;
