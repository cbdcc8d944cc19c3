// Labels and the selectors that ask for them (Kubernetes, Labels and Selectors, equality-based).

export type Labels = Readonly<Record<string, string>>;

/** Whether the object has all of the wanted labels. */
export function hasLabels({ labels }: { readonly labels: Labels }, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
