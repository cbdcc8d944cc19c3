// Waits for something, but not for ever.

/**
 * What `promise` settles to, or what `late` returns (or throws) when it has not settled within `limitMs`. The work
 * behind the promise goes on.
 */
export async function withTimeLimit<T>(promise: Promise<T>, limitMs: number, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const limit = new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
