import { describe, expect, it, test } from 'vitest';
import { formatEndpoint, parseEndpoint } from '#dimgx/engine/endpoint.js';
import { DimgxError } from '#dimgx/errors.js';
import { lacks } from '../helpers/engines.js';
import { runScript } from '../helpers/run-script.js';

describe('the address of an engine', () => {
  test.each([
    ['unix:///run/docker.sock', { kind: 'unix', path: '/run/docker.sock' }],
    ['unix://', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['unix:///a?b#c%20', { kind: 'unix', path: '/a?b#c%20' }],
    ['tcp://h:2376', { kind: 'tcp', host: 'h', port: 2376, prefix: '' }],
    ['tcp://h:80/', { kind: 'tcp', host: 'h', port: 80, prefix: '' }],
    ['tcp://[::1]:99/a/b/', { kind: 'tcp', host: '::1', port: 99, prefix: '/a/b' }],
    ['ssh://h', { kind: 'ssh', host: 'h' }],
    ['ssh://me@h:22/', { kind: 'ssh', user: 'me', host: 'h', port: 22 }],
    [
      'ssh://me%40realm@[fe80::1]:2222/run/a%20b',
      { kind: 'ssh', user: 'me@realm', host: 'fe80::1', port: 2222, socket: '/run/a b' },
    ],
  ])('%s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  test.each([
    ['/var/run/docker.sock', 'write the socket as unix:///var/run/docker.sock'],
    ['npipe:////./pipe/docker_engine', 'only unix://, tcp:// and ssh://'],
    ['fd://', 'only unix://, tcp:// and ssh://'],
    ['http://h', 'only unix://, tcp:// and ssh://'],
    ['tcp://h:99999', 'malformed'],
    ['tcp://me:secret@h', 'a user name and a password'],
    ['ssh://', 'the host name is invalid'],
    ['ssh://me:secret@h', 'a password is not allowed'],
    ['ssh://h/path?query', 'nothing may follow the path'],
    ['ssh://-oProxyCommand=touch%20x', 'the host name is invalid'],
    ['ssh://a;b', 'the host name is invalid'],
    ['ssh://$(touch%20x)', 'malformed|name is invalid'],
    ['ssh://-oProxyCommand=x@h', 'the user name is invalid'],
    ['ssh://a%60b@h', 'the user name is invalid'],
    ['ssh://a%@h', 'percent-encoding'],
    ['\u202efoo://x', 'not the address of an engine'],
  ])('%s is refused', (text, reason) => {
    const parsing = () => parseEndpoint(text);
    expect(parsing).toThrow(DimgxError);
    expect(parsing).toThrow(expect.objectContaining({ code: 'DIMGX_ENGINE_CONFIG' }));
    expect(parsing).toThrow(new RegExp(reason));
    expect(parsing).toThrow(/^[^\p{Cc}\p{Cf}]+$/u);
  });

  it.each(['unix:///run/docker.sock', 'tcp://[::1]:2376/pre', 'ssh://me@h:2222/run/docker.sock', 'ssh://h'])(
    'is written as it was read: %s',
    (text) => {
      expect(formatEndpoint(parseEndpoint(text))).toBe(text);
    },
  );

  it
    .skipIf(lacks('docker'))
    .each(['unix://', 'tcp://', 'tcp://127.0.0.1', '127.0.0.1', ':5555', '127.0.0.1:1/pre', 'tcp://[::1]:1'])(
    'means what it means to the docker command, without which this is skipped: %s',
    async (text) => {
      // the default context tells where docker would connect, and nothing is asked there
      const inspect = 'docker -H "$1" context inspect --format "{{.Endpoints.docker.Host}}" default';
      const { stdout, stderr } = await runScript(`env -i PATH="$PATH" HOME=/nonexistent ${inspect}`, text);
      const place = stdout.toString().trim();
      expect(place, stderr).toMatch(/^\w+:\/\/./);
      const familiar = (location: string) => location.replace('localhost', '127.0.0.1');
      expect(familiar(formatEndpoint(parseEndpoint(text)))).toBe(familiar(place));
    },
  );
});
