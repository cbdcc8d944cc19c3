// The importers, in the order in which they add to the model.
import { envoyGateway } from "../envoy-gateway/envoy-gateway.ts";
import { createGatewayApi } from "../gateway-api/gateway-api.ts";
import { ingressImporter } from "../ingress/importer.ts";
import { istioImporter } from "../istio/istio-importer.ts";
import type { Importer } from "./importer.ts";

export const importers: readonly Importer[] = [
  ingressImporter,
  createGatewayApi(envoyGateway),
  istioImporter,
];
