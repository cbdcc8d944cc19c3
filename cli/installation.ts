// Where this installation keeps its files: the command runs from a checkout or from an installed package.
import { join, resolve } from "node:path";

/** Root of the package, absolute. */
export const packageRoot = resolve(import.meta.dirname, "..");

/** Bundled Workers, as `npm run build` leaves them. */
export const gatewayBundle = join(packageRoot, "dist/gateway.js");
export const controlBundle = join(packageRoot, "dist/control.js");
