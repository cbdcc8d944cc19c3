// Proxies in front of the controller: whose word on the client counts, in X-Forwarded-For and in the PROXY protocol.
import type { ListenerInput, ModelParts } from "../../kubernetes/model-parts.ts";
import type { Controller } from "./controller.ts";

const everyone = "0.0.0.0/0";

/** Sets whom the whole configuration believes; gives what the listeners expect. */
export function readClientAddress(
  { settings, usesForwardedHeaders }: Controller,
  parts: ModelParts,
): Pick<ListenerInput, "proxyProtocol"> {
  const asksProxies = settings.flag("use-proxy-protocol") ?? false;
  const readsAddress = usesForwardedHeaders || (settings.flag("enable-real-ip") ?? false);
  if (!asksProxies && !readsAddress) return {};
  const wanted = settings.networks("proxy-real-ip-cidr");
  const trustedCIDRs = wanted.length > 0 ? wanted : [everyone];
  if (readsAddress) {
    const asking = usesForwardedHeaders ? "use-forwarded-headers" : "enable-real-ip";
    checkHeaders(settings);
    if (trustedCIDRs.includes(everyone)) {
      settings.approximated(
        asking,
        "whoever connects is believed about the client's address, as in ingress-nginx",
        "Say with proxy-real-ip-cidr which networks the proxies in front are in.",
      );
    }
    parts.setClientIPDetection({ xForwardedFor: { trustedCIDRs } }, settings.field(asking));
  }
  if (!asksProxies) return {};
  return { proxyProtocol: trustedCIDRs.includes(everyone) ? {} : { trustedCIDRs } };
}

/** Only X-Forwarded-For and X-Forwarded-Host are read: of any other header the wrong address would count. */
function checkHeaders(settings: Controller["settings"]): void {
  for (const [name, preset] of [
    ["forwarded-for-header", "x-forwarded-for"],
    ["forwarded-host-header", "x-forwarded-host"],
  ] as const) {
    const text = settings.text(name);
    if (text === undefined || text.toLowerCase() === preset) continue;
    settings.unsupported(
      name,
      `clients are known by ${preset} alone`,
      `Have the proxy in front write ${preset}.`,
    );
  }
}
