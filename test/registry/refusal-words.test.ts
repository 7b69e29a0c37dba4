import { describe, expect, it, test } from 'vitest';
import { redactor, secretsOf } from '#dimgx/registry/authorization.js';
import { RegistryRefusal, refusalWords } from '#dimgx/registry/registry-refusal.js';

describe('the words of a refusal', () => {
  test.each([
    ['{"errors":[{"code":"DENIED","message":"go away"}]}', 'DENIED: go away'],
    ['{"errors":[{"code":"DENIED","message":"no","detail":"IP 1.2.3.4"}]}', 'DENIED: no: IP 1.2.3.4'],
    ['{"errors":[{"code":"A","message":"no","detail":[{"Name":"x"}]}]}', 'A: no: [{"Name":"x"}]'],
    ['{"errors":[{"code":"A","message":"no","detail":{"message":"why"}}]}', 'A: no: why'],
    ['{"errors":[{"code":"A","message":"no","detail":{}},{"message":"more"}]}', 'A: no; more'],
    ['{"errors":[{"status":404,"message":"unsupported"}]}', 'unsupported'],
    ['{"errors":["one","two"]}', 'one; two'],
    ['{"errors":{"message":"one"}}', 'one'],
    ['{"errors":[]}', ''],
    ['{"message":"not in the list"}', 'not in the list'],
    ['{"Message":"not in the list"}', 'not in the list'],
    ['{"error":"archived"}', 'archived'],
    ['{"error":"invalid_grant","error_description":"expired"}', 'invalid_grant: expired'],
    ['{"error":{"code":403,"message":"disabled","status":"DENIED"}}', 'disabled'],
    ['{"details":"incorrect username or password"}', 'incorrect username or password'],
    ['{"type":"about:blank","title":"Forbidden","detail":"no seat"}', 'Forbidden: no seat'],
    ['{"code":"denied","message":"denied"}', 'denied'],
    ['"only text"', 'only text'],
    ['{"token":"unknown"}', ''],
    ['42', ''],
    ['null', ''],
    [`${'{"error":'.repeat(3000)}"deep"${'}'.repeat(3000)}`, ''],
    ['  no such service\n', 'no such service'],
    ['<html><head><title>Blocked &amp; logged</title></head><body>x</body></html>', 'Blocked & logged'],
    ['<title>Sign in &#8211; it&#39;s &#x1F512; &#1114112; &bogus;</title>', "Sign in – it's 🔒 &#1114112; &bogus;"],
    ['acc\ufffds refus\ufffd par le proxy', 'acc\ufffds refus\ufffd par le proxy'],
    ['<!DOCTYPE html><HTML><TITLE lang="en">\n Not here </TITLE>', 'Not here'],
    ['<html><style>a{}</style><script>b()</script>maintenance <b>until</b> 10:00</html>', 'maintenance  until  10:00'],
    [
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no &lt;way&gt;</Message></Error>',
      'AccessDenied: no <way>',
    ],
    ['', ''],
    ['\x1f\x8b\x08\0\0', ''],
    ['\ufffd\ufffdPNG', ''],
  ])('%s', (body, words) => {
    expect(refusalWords(body)).toBe(words);
  });

  test.each([
    '<script'.repeat(10_000),
    '<'.repeat(2 ** 16),
    '<title>'.repeat(10_000),
    `<Code ${'a<'.repeat(30_000)}`,
    `{"errors":[${'[[[[[['.repeat(1000)}`,
    `[${'"x",'.repeat(15_000)}"x"]`,
  ])('come to an end, whatever a server sends: %#', (body) => {
    expect(refusalWords(body).length).toBeLessThanOrEqual(body.length);
  });
});

describe('what is said of a refusal', () => {
  const LOGIN = { username: 'me', password: 'p"w/ö <&> \\x', identityToken: 'identity', registryToken: 'registry' };
  const redact = redactor(secretsOf(LOGIN));
  const saying = (body: string) => new RegistryRefusal({ status: 403, url: new URL('https://h/'), body });

  test.each([
    ['a header', `Basic ${Buffer.from(`me:${LOGIN.password}`).toString('base64')}`],
    ['a header without padding', Buffer.from(`me:${LOGIN.password}`).toString('base64').replace(/=+$/, '')],
    ['an address', `/token?password=${encodeURIComponent(LOGIN.password)}&x`],
    ['a form', `${new URLSearchParams({ password: LOGIN.password })}`],
    ['plain text', `you sent ${LOGIN.password} and identity, registry`],
    ['JSON', JSON.stringify({ message: `you sent ${LOGIN.password}` })],
    ['JSON that is shown as it is', JSON.stringify({ errors: [{ message: 'no', detail: { sent: LOGIN.password } }] })],
    ['JSON within JSON', JSON.stringify({ message: JSON.stringify({ sent: LOGIN.password }) })],
  ])('holds no secret that the server echoes in %s', (_name, body) => {
    const said = saying(body).said(redact);
    expect(said).toMatch(/^HTTP 403, .*\*\*\*/);
    expect(said).not.toMatch(/p\\*"w|p%22w|identity|registry|bWU6/);
  });

  it('holds no beginning of a secret where it is cut', () => {
    for (let length = 270; length < 310; length++) {
      const said = saying(`${'x'.repeat(length)} ${LOGIN.password}`).said(redact);
      expect(said).not.toContain('p"w');
    }
  });

  it('is one line without control characters, and not long', () => {
    const said = saying(`a\x1b[31m\n\r\tb\u202ec${'y'.repeat(50_000)}`).said(redact);
    expect(said).toMatch(/^HTTP 403, a\\x1b\[31m b\\u\{202e\}cy+…$/);
    expect(said.length).toBeLessThan(320);
  });

  it('is in no message of the error, nor in what is shown of it', async () => {
    const { inspect } = await import('node:util');
    expect(`${saying('hush').stack} ${inspect(saying('hush'), { showHidden: true, depth: 9 })}`).not.toContain('hush');
  });
});
