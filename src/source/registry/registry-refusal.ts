import * as v from 'valibot';
import { parsePrivate } from '../../file/private-document.js';
import { printable } from '../../image/printable.js';

const Entry = v.object({ code: v.nullish(v.string(), ''), message: v.nullish(v.string(), '') });
const Schema = v.object({ errors: v.pipe(v.array(Entry), v.minLength(1)) });

/** What a registry says when it does not do what it was asked for. Source: OCI distribution-spec, error codes. */
export class RegistryRefusal extends Error {
  readonly status: number;
  /** Before which it does not want to be asked again, in milliseconds. */
  readonly retryAfter: number | undefined;

  /** @param body its beginning */
  constructor(status: number, body: string, retryAfter?: number) {
    super(`HTTP ${status}${detailOf(body)}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether it may go well the next time. */
  get isPassing(): boolean {
    return [408, 425, 429, 500, 502, 503, 504].includes(this.status);
  }
}

function detailOf(body: string): string {
  const parsed = v.safeParse(Schema, parsePrivate(body));
  if (!parsed.success) return '';
  const [{ code, message } = { code: '', message: '' }] = parsed.output.errors;
  const text = [code, message].filter((part) => part !== '').join(': ');
  return text === '' ? '' : `, ${printable(text, 300)}`;
}
