import { readFileSync } from 'node:fs';

let known: number | undefined;

/** How many descriptors the process may have; `undefined` where the system does not say. Source: proc_pid_limits(5) */
export function descriptorLimit(): number | undefined {
  known ??= readLimit();
  return Number.isFinite(known) ? known : undefined;
}

function readLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
