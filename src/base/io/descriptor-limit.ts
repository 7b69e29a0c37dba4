import { readFileSync } from 'node:fs';

let known: number | undefined;

/** Maximum number of descriptors of the process; `undefined` if unknown. Source: proc_pid_limits(5) */
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
