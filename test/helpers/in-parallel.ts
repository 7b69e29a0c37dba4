/**
 * Runs work for each item, `width` at a time.
 *
 * @returns the results in the order of the items
 * @throws the first error, once no work is running any more
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length && failures.length === 0; i = next++) {
      await work(items[i] as T).then(
        (result) => (results[i] = result),
        (failure: unknown) => failures.push(failure),
      );
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
