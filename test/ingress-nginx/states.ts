// States in short: an Ingress `main` for one host, which is served, with annotations or settings of the controller.
import type { State, Texts } from "./upstream-test.ts";

export const plain = (host: string, more: Partial<State> = {}): State => ({
  host,
  ingresses: [{}],
  see: [{}],
  ...more,
});

export const annotated = (host: string, annotations: Texts, more: Partial<State> = {}): State =>
  plain(host, { ingresses: [{ annotations }], ...more });

export const set = (host: string, settings: Texts, more: Partial<State> = {}): State =>
  plain(host, { settings, ...more });

/** A setting of nginx's own: said to be without effect, and served. */
export const tuned = (settings: Texts): State => set("tuned", settings, { warns: Object.keys(settings)[0]! });

/** What nginx has anyway. */
export const preset = (settings: Texts = {}): State => set("tuned", settings);

export const refusedSetting = (settings: Texts, refused: string): State =>
  set("refused", settings, { refused, see: [{ status: 404 }] });
