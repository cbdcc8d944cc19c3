// What an end-to-end test of ingress-nginx is here: its file and name, objects of our own that ask the same, and what must
// come out of the running gateway.
import type { See, Send } from "../ingress-annotations/row.ts";

export type Texts = Readonly<Record<string, string>>;

/** One request and what becomes of it. */
export interface Seen extends See {
  /** `certificate`: the client shows one. */
  readonly ask?: See["ask"] & { readonly certificate?: true };
}

/** An Ingress in short. */
export interface IngressShape {
  /** Default: `main`. */
  readonly name?: string;
  /** Empty: every host. Default: that of the state. */
  readonly host?: string;
  /** Prefixes, or as they are written. Default: `/`. Empty: no rule has a path. */
  readonly paths?: readonly (string | { readonly path: string; readonly pathType: string })[];
  readonly service?: string;
  /** Default: 80. */
  readonly port?: number | string;
  readonly annotations?: Texts;
  /** Hosts of a TLS section, whose Secret has the name of the first. */
  readonly tls?: readonly string[];
  /** `kubernetes.io/ingress.class` and `ingressClassName`. */
  readonly classAnnotation?: string;
  readonly className?: string;
  readonly defaultBackend?: string;
  readonly namespace?: string;
}

/** Where the listeners of a state are. */
export interface Place {
  /** Of this machine. */
  readonly address: string;
  readonly http: number;
  readonly https: number;
  /** Of a TCP service. */
  readonly tcp: number;
}

/** One state of the objects, and what is seen of it. */
export interface State {
  readonly host: string;
  readonly ingresses: readonly IngressShape[];
  /** Data of the controller's ConfigMap. */
  readonly settings?: Texts;
  /** Further objects. Those of the kinds Service and Secret stand in for the ones that would be made. */
  readonly objects?: readonly object[];
  /** Endpoints of each Service. Default: 1. */
  readonly replicas?: number;
  /** Services and Secrets that are not there. */
  readonly missing?: readonly string[];
  readonly see?: readonly Seen[];
  readonly observe?: (send: Send, place: Place) => Promise<void>;
  /** A warning with this text is given, and what the test asks is so all the same. */
  readonly says?: string;
  /** What the test asks has no effect here, which is said in a warning with this text. */
  readonly warns?: string;
  /** An error with this text is given; what is seen is seen with `--isolate`. */
  readonly refused?: string;
  /** What cannot be seen by requests alone: a backend of the model. */
  readonly backend?: object;
}

export interface UpstreamTest {
  /** Text of its `It(…)`, after that of its `Context(…)`. */
  readonly name: string;
  /** Where the test changes objects, each of its states stands by itself. */
  readonly states: readonly State[];
}

export interface UpstreamFile {
  /** Below `test/e2e`. */
  readonly file: string;
  readonly tests: readonly UpstreamTest[];
  /** Tests without an equivalent, with the reason. */
  readonly absent?: Texts;
}

/** Tests of one file by name; each a state, or several. */
export function upstreamFile(
  file: string,
  tests: Readonly<Record<string, State | readonly State[]>>,
  absent: Texts = {},
): UpstreamFile {
  return {
    file,
    tests: Object.entries(tests).map(([name, states]) => ({
      name,
      states: Array.isArray(states) ? (states as readonly State[]) : [states as State],
    })),
    absent,
  };
}
