// `npm run soak -- NAME [ARGUMENT…]`: the runs that are too long for a suite. Each says at its head what it does, prints what
// it saw, and ends with 1 where something failed.
import { readdirSync } from "node:fs";

const names = readdirSync(import.meta.dirname)
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => name !== "main");
const [name] = process.argv.splice(2, 1);
if (name === undefined || !names.includes(name)) {
  console.error(
    `${name === undefined ? "which one" : `no run is named ${name}`}? There are: ${names.join(", ")}`,
  );
  process.exit(2);
}
await import(`./${name}.ts`);
