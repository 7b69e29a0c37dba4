import type { Stack } from './random-stack.js';

/** A stack as it can be pasted into regressions.ts: a line for each entry. */
export function shownStack(stack: Stack): string {
  const layers = stack.map((layer) => `[\n${layer.map((entry) => `    ${literal(entry)},\n`).join('')}  ]`);
  return `[\n${layers.map((layer) => `  ${layer},\n`).join('')}]`;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([key, field]) => `${key}: ${literal(field)}`);
  return `{ ${fields.join(', ')} }`;
}

/** ASCII alone; what is the same over and over as that. */
function text(value: string): string {
  const [all = '', part = ''] = /(.{1,2}?)\1{20,}/s.exec(value) ?? [];
  if (all === '') return quoted(value);
  const at = value.indexOf(all);
  const [before, after] = [value.slice(0, at), value.slice(at + all.length)];
  const again = `${quoted(part)}.repeat(${all.length / part.length})`;
  return [...(before && [text(before)]), again, ...(after && [text(after)])].join(' + ');
}

function quoted(value: string): string {
  const escaped = value.replace(/[^ -&(-[\]-~]/g, (char) => {
    if (char === "'" || char === '\\') return `\\${char}`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `'${escaped}'`;
}
