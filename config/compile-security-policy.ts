// Access control → snapshot: durations in milliseconds, a rule's policy joined with its route's.
import { durationMs } from "#contract/duration.ts";
import type { SecurityPolicy } from "#contract/security-policy.ts";
import type { NativeRuleSecurityPolicy, NativeSecurityPolicy } from "./native/security-policy.ts";

export function compileSecurityPolicy(policy: NativeSecurityPolicy): SecurityPolicy {
  const { jwt, extAuth, ...others } = policy;
  return {
    ...others,
    ...(jwt && { jwt: { ...jwt, providers: jwt.providers.map(compileProvider) } }),
    ...(extAuth && { extAuth: compileExtAuth(extAuth) }),
  };
}

/**
 * What holds for a rule with a policy of its own. Blocks that it leaves out are the route's, so that a rule which only
 * raises a limit does not lose the route's authentication.
 */
export function compileRuleSecurityPolicy(
  { inherit, ...own }: NativeRuleSecurityPolicy,
  route: NativeSecurityPolicy | undefined,
): SecurityPolicy {
  return compileSecurityPolicy(inherit ? { ...route, ...own } : own);
}

type NativeProvider = NonNullable<NativeSecurityPolicy["jwt"]>["providers"][number];
type Provider = NonNullable<SecurityPolicy["jwt"]>["providers"][number];

function compileProvider({ remoteJWKS, clockSkew, ...others }: NativeProvider): Provider {
  return {
    ...others,
    ...(remoteJWKS && {
      remoteJWKS: {
        uri: remoteJWKS.uri,
        ...(remoteJWKS.discovery && { discovery: true }),
        cacheDurationMs: durationMs(remoteJWKS.cacheDuration),
      },
    }),
    clockSkewMs: durationMs(clockSkew),
  };
}

function compileExtAuth({
  timeout,
  ...others
}: NonNullable<NativeSecurityPolicy["extAuth"]>): NonNullable<SecurityPolicy["extAuth"]> {
  return { ...others, timeoutMs: durationMs(timeout) };
}
