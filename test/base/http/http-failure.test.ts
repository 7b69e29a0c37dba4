import { describe, expect, test } from 'vitest';
import { HttpFailure, httpFailure, isTlsCode, whyUnreachable } from '#dimgx/base/http/http-failure.js';

const failed = (code: string) => httpFailure(Object.assign(new Error('words'), { code }));

describe('a failed request', () => {
  test.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'identity'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'identity'],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'protocol'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'plain'],
    ['EPROTO', 'plain'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['HOSTNAME_MISMATCH', 'tls'],
    ['INVALID_CA', 'tls'],
    ['ENOTFOUND', 'nameless'],
    ['EAI_AGAIN', 'nameless'],
    ['ECONNREFUSED', 'unreachable'],
    ['EHOSTUNREACH', 'unreachable'],
    ['UND_ERR_HEADERS_OVERFLOW', 'refused'],
    ['ECONNRESET', 'cut'],
  ])('with the code %s is of the kind %s', (code, kind) => {
    expect(failed(code).kind).toBe(kind);
  });

  test('is classified by the code of its cause', () => {
    const cause = Object.assign(new Error('inner'), { code: 'ECONNREFUSED' });
    expect(httpFailure(new TypeError('fetch failed', { cause })).kind).toBe('unreachable');
  });

  test.each([
    ['ECONNREFUSED', 'connection refused'],
    ['ENOTFOUND', 'no such host'],
    ['ECONNRESET', 'words'],
  ])('with the code %s says: %s', (code, message) => {
    expect(failed(code).message).toBe(message);
  });

  test('that is classified already stays as it is', () => {
    const failure = new HttpFailure('refused', 'words');
    expect(httpFailure(failure)).toBe(failure);
  });
});

test.each([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_OSSL_PEM_NO_START_LINE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CRL_HAS_EXPIRED',
  'EPROTO',
])('%s is a code of TLS', (code) => {
  expect(isTlsCode(code)).toBe(true);
});

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'HPE_INVALID_CONSTANT', 'undefined'])('%s is none', (code) => {
  expect(isTlsCode(code)).toBe(false);
});

test('says why a host does not answer, by the code of the system', () => {
  expect(whyUnreachable('ECONNREFUSED')).toMatch(/\w/);
  expect(whyUnreachable('ECONNRESET')).toBeUndefined();
});
