// What happened so far, and a way to wait for something to happen: tests never sleep for luck.

export class Journal<T> {
  readonly entries: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(entry: T): void {
    this.entries.push(entry);
    for (const check of this.#waiting) check();
  }

  /** The first entry, past or to come, from index `from` on, that fits. */
  find<S extends T>(fits: (entry: T) => entry is S, from?: number): Promise<S>;
  find(fits: (entry: T) => boolean, from?: number): Promise<T>;
  find(fits: (entry: T) => boolean, from = 0): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.entries.slice(from).find(fits);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Resolves once `holds` is true; asked again after each entry. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
