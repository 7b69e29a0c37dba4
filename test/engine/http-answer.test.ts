import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { HttpAnswer } from '#dimgx/engine/http-answer.js';

const HEAD = 'HTTP/1.1 200 OK\r\n';

/** Feeds it in pieces of so many bytes. */
function read(bytes: Buffer, size = bytes.length) {
  const answer = new HttpAnswer();
  const body: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    body.push(...answer.feed(bytes.subarray(at, at + size)));
  }
  return { answer, body: Buffer.concat(body) };
}

const text = (...lines: string[]) => Buffer.from(lines.join(''), 'latin1');

test('a body comes out of its chunks, however it comes', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }));
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 400 }), fc.boolean(), (contents, size, hasTrailer) => {
      const framed = contents.flatMap((chunk) => [text(`${chunk.length.toString(16)};a=b\r\n`), chunk, text('\r\n')]);
      const end = text('0\r\n', ...(hasTrailer ? ['X-Sum: 1\r\n'] : []), '\r\n');
      const { answer, body } = read(
        Buffer.concat([text(HEAD, 'Transfer-Encoding: Chunked\r\nX:\r\n\r\n'), ...framed, end, text('more')]),
        size,
      );
      expect(body.equals(Buffer.concat(contents))).toBe(true);
      expect([answer.status, answer.isDelimited, answer.isComplete]).toEqual([200, true, true]);
    }),
  );
});

describe('an answer', () => {
  it('may say its length', () => {
    const { answer, body } = read(text(HEAD, 'content-length:  5 \r\n\r\nabcdefg'), 3);
    expect(body.toString()).toBe('abcde');
    expect([answer.isDelimited, answer.isComplete]).toEqual([true, true]);
  });

  it('may be empty', () => {
    expect(read(text(HEAD, 'Content-Length: 0\r\n\r\n')).answer.isComplete).toBe(true);
  });

  it('may go on to the end of the connection, which leaves open whether it is whole', () => {
    const { answer, body } = read(text('HTTP/1.0 500 Internal Server Error\n\nsorry'));
    expect(body.toString()).toBe('sorry');
    expect([answer.status, answer.isDelimited, answer.isComplete]).toEqual([500, false, false]);
  });

  it('may be preceded by others that have no body', () => {
    const { answer, body } = read(text('HTTP/1.1 100 Continue\r\n\r\n', HEAD, 'Content-Length: 1\r\n\r\nx'));
    expect([answer.status, body.toString()]).toEqual([200, 'x']);
  });

  it.each([
    ['other protocols', text('SSH-2.0-OpenSSH_9.2\r\n')],
    ['lines without a colon', text(HEAD, 'nonsense\r\n')],
    ['lengths that are none', text(HEAD, 'Content-Length: -1\r\n')],
    ['two encodings', text(HEAD, 'Transfer-Encoding: gzip, chunked\r\n')],
    ['sizes of chunks that are none', text(HEAD, 'Transfer-Encoding: chunked\r\n\r\nxyz\r\n')],
    ['sizes of chunks beyond all measure', text(HEAD, `Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(14)}\r\n`)],
    ['chunks that are longer than they say', text(HEAD, 'Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n')],
    ['headers without end', text(HEAD, 'a: b\r\n'.repeat(20_000))],
    ['a line without end', text(HEAD, `a: ${' '.repeat(70_000)}`)],
    ['extensions without end', text(HEAD, `Transfer-Encoding: chunked\r\n\r\n1${' '.repeat(70_000)}`)],
  ])('is refused with %s', (_, bytes) => {
    expect(() => read(bytes, 1000)).toThrow(expect.objectContaining({ code: 'HPE_INVALID' }));
  });
});
