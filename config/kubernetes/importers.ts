// The importers, in the order in which they add to the model.
import { gatewayApi } from "../gateway-api/gateway-api.ts";
import { ingressImporter } from "../ingress/importer.ts";
import { istioImporter } from "../istio/istio-importer.ts";
import type { Importer } from "./importer.ts";

export const importers: readonly Importer[] = [ingressImporter, gatewayApi, istioImporter];
