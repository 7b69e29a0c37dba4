interface Link {
  readonly target: string;
  /** In lower case; `undefined` if the link has none. */
  readonly relations: readonly string[] | undefined;
}

/**
 * Finds the next page of a list in `Link` headers. Source: RFC 8288, section 3. Registries also send links without
 * brackets, or without a relation. As in containers/image, a link without a relation counts if no link is `next`.
 *
 * @returns `undefined` if there is none; empty if there is one without a target
 */
export function nextLink(headers: readonly string[]): string | undefined {
  const parts = headers.flatMap((header) => splitOutside(header, ','));
  const links = parts.filter((part) => part.trim() !== '').map(parseLink);
  const next = links.find(({ relations }) => relations?.includes('next'));
  return (next ?? links.find(({ relations }) => relations === undefined))?.target;
}

function parseLink(text: string): Link {
  const [target = '', ...parameters] = splitOutside(text, ';');
  const values = parameters.flatMap((each) => /^\s*rel\s*=(.*)$/is.exec(each)?.[1] ?? []);
  const [names = ''] = values.map((value) => value.replace(/["']/g, '').trim().toLowerCase());
  return { target: target.replace(/[<>]/g, '').trim(), relations: names === '' ? undefined : names.split(/\s+/) };
}

/** Splits at separators outside brackets and quotes. A bracket or quote that is never closed does not count. */
function splitOutside(text: string, separator: string): readonly string[] {
  const last = { '<': text.lastIndexOf('>'), '"': text.lastIndexOf('"') };
  const parts: string[] = [];
  let begin = 0;
  let close = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (close === '"' && character === '\\') at += 1;
    else if (close !== '') close = character === close ? '' : close;
    else if (character === '<' && at < last['<']) close = '>';
    else if (character === '"' && at < last['"']) close = '"';
    else if (character === separator) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...parts, text.slice(begin)];
}
