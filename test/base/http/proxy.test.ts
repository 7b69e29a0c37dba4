import { describe, expect, test } from 'vitest';
import { isLoopback, proxyFor } from '#dimgx/base/http/connections.js';

const BOTH = { HTTPS_PROXY: 'http://tls:1', HTTP_PROXY: 'plain:2' };

describe('the proxy', () => {
  test.each([
    ['https://a.example', BOTH, 'http://tls:1'],
    ['http://a.example', BOTH, 'http://plain:2'],
    ['https://a.example', { http_proxy: 'plain:2' }, undefined],
    ['https://a.example', { https_proxy: 'http://me:word@tls:1' }, 'http://me:word@tls:1'],
    ['https://a.example', {}, undefined],
    ['https://localhost:5000', BOTH, undefined],
    ['http://127.0.0.9', BOTH, undefined],
    ['http://[::1]:5000', BOTH, undefined],
  ])('of %s by %o is %s', (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)).toBe(proxy);
  });

  test.each([
    ['*', true],
    ['example', true],
    ['a.example', true],
    ['.example', true],
    ['*.example', true],
    ['b, a.example:443', true],
    ['A.EXAMPLE', true],
    ['a.example:80', false],
    ['ample', false],
    ['.a.example', false],
    ['b.example', false],
    ['', false],
  ])('of https://a.example with NO_PROXY=%s: none is %s', (exceptions, isNone) => {
    expect(proxyFor(new URL('https://a.example'), { ...BOTH, NO_PROXY: exceptions }) === undefined).toBe(isNone);
  });

  test.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '2.3', false],
    ['[fd00::5]', 'fd00::/16', true],
    ['[fd00::5]', '10.0.0.0/8', false],
    ['10.1.2.3', '10.0.0.0/x', false],
  ])('of %s with NO_PROXY=%s: none is %s', (host, exceptions, isNone) => {
    expect(proxyFor(new URL(`https://${host}`), { ...BOTH, no_proxy: exceptions }) === undefined).toBe(isNone);
  });
});

test.each([
  ['localhost', true],
  ['a.localhost', true],
  ['127.0.0.1', true],
  ['127.255.3.4', true],
  ['::1', true],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['10.0.0.1', false],
])('%s is this machine: %s', (host, isThis) => {
  expect(isLoopback(host)).toBe(isThis);
});
