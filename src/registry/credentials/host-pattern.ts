/** Whether a key in a credentials file matches several hosts. */
export function isPattern(key: string): boolean {
  return key.includes('*');
}

/**
 * Whether a pattern matches a host, or a path within a registry. `*` matches any text without a dot, a colon or a
 * slash, so `*.example.com` does not match hosts two levels down. Source: the keys of Kubernetes' pull secrets.
 *
 * @param scope `HOST[:PORT][/PATH]`
 */
export function matchesPattern(pattern: string, scope: string): boolean {
  const [wanted, host] = [pattern, scope].map((text) => text.replace(/\/.*$/s, '')) as [string, string];
  if (pattern.slice(wanted.length) !== scope.slice(host.length)) return false;
  const labels = wanted.split(/([.:])/);
  const others = host.split(/([.:])/);
  return labels.length === others.length && labels.every((label, i) => matchesLabel(label, others[i] as string));
}

/** Searches once, left to right, for each text between two `*`. No pattern costs more than that. */
function matchesLabel(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
