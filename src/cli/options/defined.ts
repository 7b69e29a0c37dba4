type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops options that were not given, so that the library's own defaults apply. */
export function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
