/**
 * The question, with an answer for which only so long is waited: undefined when it fails or comes later. While one is still open no
 * second is put, so that what hangs does not pile up.
 */
export function inTime<T>(ask: () => Promise<T>, patienceMs: number): () => Promise<T | undefined> {
  let open: Promise<T | undefined> | undefined;
  const answer = (): Promise<T | undefined> =>
    Promise.resolve()
      .then(ask)
      .catch(() => undefined)
      .finally(() => (open = undefined));
  return () => {
    const asked = (open ??= answer());
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), patienceMs);
      void asked.then(resolve).finally(() => clearTimeout(timer));
    });
  };
}
