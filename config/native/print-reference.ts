// `npm run schema`: prints the reference, which the script writes to docs/configuration-reference.md.
import { configReference } from "./reference.ts";

console.log(configReference());
