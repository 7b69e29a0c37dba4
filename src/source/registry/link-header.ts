const LINK = /<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*'-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
const RELATION = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]*))/i;

/** Where the next page of a list is, as a `Link` header tells. Source: RFC 8288, section 3. */
export function nextLink(headers: readonly string[]): string | undefined {
  for (const [, target, parameters = ''] of headers.join(', ').matchAll(LINK)) {
    const [, quoted, plain = ''] = RELATION.exec(parameters) ?? [];
    if ((quoted ?? plain).toLowerCase().split(/\s+/).includes('next')) return target;
  }
  return undefined;
}
