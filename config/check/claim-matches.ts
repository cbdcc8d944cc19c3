// Matches by what a token says, where no token is verified.
import { asksForClaims } from "#contract/http-route.ts";
import type { Check } from "./check.ts";

export const claimMatches: Check = (config, report) => {
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const { securityPolicy } = rule;
      const inherited = securityPolicy?.inherit === false ? undefined : route.securityPolicy;
      if (securityPolicy?.jwt ?? inherited?.jwt) continue;
      for (const [matchIndex, match] of rule.matches.entries()) {
        if (!asksForClaims(match)) continue;
        report.add({
          code: "security-policy-invalid",
          path: ["routes", routeIndex, "rules", ruleIndex, "matches", matchIndex],
          message: "this match asks for claims, and neither its rule nor its route verifies tokens",
          remedy:
            "Write securityPolicy.jwt, with optional: true if requests without a token have rules of their own.",
        });
      }
    }
  }
};
