import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer, type ServerOptions } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { HttpClient, type HttpClientOptions } from '#dimgx/base/http/http-client.js';
import { readReply } from '#dimgx/base/http/read-reply.js';
import type { Warning } from '#dimgx/errors.js';
import { type Certificates, makeCertificates } from '../../helpers/certificates.js';
import { lacks, whyNotHere } from '../../helpers/engines.js';
import { forwardProxy } from '../../helpers/forward-proxy.js';
import { listen } from '../../helpers/registry-proxy.js';
import { runDimgxIn } from '../../helpers/run-dimgx.js';
import { socksProxy } from '../../helpers/socks-proxy.js';
import { newUser } from '../../helpers/user.js';

const TIMEOUTS = { connect: 30_000, greeting: 30_000, answer: 60_000, idle: 30_000 };

const clientFor = (options: Partial<HttpClientOptions> = {}) => {
  const settings = { isOwn: () => true, isInsecure: () => false };
  const client = new HttpClient({ env: process.env, timeouts: TIMEOUTS, ...settings, ...options });
  onTestFinished(() => client.close());
  return client;
};

/** What comes from a server: its text, or the kind of the failure and what it says. */
const heard = async (url: string, options: Partial<HttpClientOptions> = {}) => {
  const client = clientFor(options);
  try {
    return (await readReply(client, await client.send(new URL(url)), 1000)).toString();
  } catch (failure) {
    const { kind, code, message } = failure as { kind?: string; code?: string; message: string };
    return `${kind ?? code}: ${message}`;
  }
};

const absent = whyNotHere('openssl');

describe.skipIf(absent)(`a connection by TLS${absent}`, () => {
  let folder: string;
  let certificates: Certificates;
  let other: Certificates;

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/dimgx-certificates-`);
    await mkdir(`${folder}/other`);
    certificates = await makeCertificates(folder);
    other = await makeCertificates(`${folder}/other`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const pair = async ({ server }: Certificates) => ({
    cert: await readFile(`${server}/cert.pem`),
    key: await readFile(`${server}/key.pem`),
  });
  const tlsServer = async (
    options: ServerOptions = {},
    answer: RequestListener = (_, response) => response.end('hi'),
  ) => listen(createServer({ ...(await pair(certificates)), ...options }, answer));
  const authority = () => `${certificates.server}/ca.pem`;
  const certsD = (host: string, name: string) => `.config/containers/certs.d/${host}/${name}`;

  it('is refused where nobody vouches for the server', async () => {
    await newUser();
    expect(await heard(`https://${await tlsServer()}`)).toMatch(/^tls: /);
  });

  test.each<[string, Readonly<Record<string, string>>, { readonly caFile?: boolean }]>([
    ['--ca-file', {}, { caFile: true }],
    ['SSL_CERT_FILE', { SSL_CERT_FILE: 'ca.pem' }, {}],
    ['SSL_CERT_DIR', { SSL_CERT_DIR: '/nowhere:' }, {}],
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: 'ca.pem' }, {}],
    ['SSL_CERT_FILE, beside --ca-file of another', { SSL_CERT_FILE: 'ca.pem' }, { caFile: false }],
    ['NODE_EXTRA_CA_CERTS, beside --ca-file of another', { NODE_EXTRA_CA_CERTS: 'ca.pem' }, { caFile: false }],
  ])('trusts the authority of %s', async (_, env, { caFile }) => {
    await newUser();
    const names = Object.entries(env).map(([name, value]) => [
      name,
      `${value.replace('ca.pem', '')}${certificates.server}${value.endsWith('ca.pem') ? '/ca.pem' : ''}`,
    ]);
    for (const [name = '', value] of names) vi.stubEnv(name, value);
    const options = caFile === undefined ? {} : { caFile: `${(caFile ? certificates : other).server}/ca.pem` };
    const host = await tlsServer();
    expect(await heard(`https://${host}`, { env: process.env, ...options })).toBe('hi');
  });

  test.skipIf(lacks('root', 'unshare'))('trusts what the system trusts (needs root and unshare)', async () => {
    const home = await newUser();
    const host = await tlsServer({}, (_, response) => response.end('{"name":"a","tags":["1"]}'));
    const bundle = '/etc/ssl/certs/ca-certificates.crt';
    const run = (...command: string[]) => runDimgxIn({ under: ['unshare', '-m', ...command] }, 'tags', `${host}/a`);
    await writeFile(`${home}/bundle`, await readFile(authority()));
    const script = `mkdir -p /etc/ssl/certs && mount -t tmpfs none /etc/ssl/certs && cp "$0" ${bundle} && exec "$@"`;
    expect(await run('sh', '-c', script, `${home}/bundle`)).toMatchObject({ stdout: '1\n', stderr: '', code: 0 });
    expect((await run('env')).stderr).toContain('DIMGX_REGISTRY_TLS');
  });

  test.each(['.config/containers', '.config/docker', '.docker'])(
    'trusts the authority in certs.d of %s',
    async (place) => {
      const host = await tlsServer();
      await newUser({
        [`${place}/certs.d/${host}/ca.crt`]: await readFile(authority(), 'utf8'),
        [certsD(host, 'x')]: '',
      });
      expect(await heard(`https://${host}`)).toBe('hi');
    },
  );

  it('looks in certs.d for what the user has written', async () => {
    const host = await tlsServer();
    await newUser({ [certsD('As.Written:443', 'ca.crt')]: await readFile(authority(), 'utf8') });
    expect(await heard(`https://${host}`, { spellings: () => ['As.Written:443'] })).toBe('hi');
  });

  it("trusts a server's own certificate that is put down as an authority", async () => {
    const host = await tlsServer();
    await newUser({ [certsD(host, 'ca.crt')]: await readFile(`${certificates.server}/cert.pem`, 'utf8') });
    expect(await heard(`https://${host}`)).toBe('hi');
    await newUser({ [certsD(host, 'ca.crt')]: await readFile(`${other.server}/cert.pem`, 'utf8') });
    expect(await heard(`https://${host}`)).toMatch(/^tls: /);
  });

  it('warns of files in certs.d that it cannot read, once, and does without them', async () => {
    const host = await tlsServer();
    const home = await newUser({
      [certsD(host, 'ca.crt')]: await readFile(authority(), 'utf8'),
      [certsD(host, 'b.cert')]: '',
    });
    await symlink('/nowhere', `${home}/${certsD(host, 'a.crt')}`);
    await mkdir(`${home}/${certsD(host, 'c.crt')}`);
    await writeFile(`${home}/${certsD(host, 'd.crt')}`, new X509Certificate(await readFile(authority())).raw);
    const warnings: Warning[] = [];
    expect(await heard(`https://${host}`, { warn: (warning) => warnings.push(warning) })).toBe('hi');
    expect(warnings.map(({ code, message }) => [code, /\w+\.\w+(?= is skipped)/.exec(message)?.[0]])).toEqual(
      ['a.crt', 'c.crt', 'b.key'].map((name) => ['DIMGX_REGISTRY_CERTIFICATE_SKIPPED', name]),
    );
  });

  it('trusts an authority in DER', async () => {
    const host = await tlsServer();
    const home = await newUser({ [certsD(host, 'x')]: '' });
    await writeFile(`${home}/${certsD(host, 'ca.crt')}`, new X509Certificate(await readFile(authority())).raw);
    expect(await heard(`https://${host}`)).toBe('hi');
  });

  it('says which folder of certificates is not there', async () => {
    await newUser();
    expect(await heard(`https://${await tlsServer()}`, { certDir: `${folder}/missing` })).toMatch(
      /^DIMGX_REGISTRY_TLS: the certificate folder .*\/missing does not exist$/,
    );
  });

  it('says which file of authorities is not there, and which is a folder', async () => {
    await newUser();
    const url = `https://${await tlsServer()}`;
    expect(await heard(url, { caFile: `${folder}/missing` })).toMatch(
      /^DIMGX_REGISTRY_TLS: the certificate file .*\/missing does not exist$/,
    );
    expect(await heard(url, { caFile: folder })).toMatch(
      /^DIMGX_REGISTRY_TLS: the certificate .* is not a regular file$/,
    );
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'says that the server wants a client certificate, and shows it: %s',
    async (maxVersion) => {
      await newUser();
      const ca = await readFile(authority());
      const host = await tlsServer({ ca, requestCert: true, rejectUnauthorized: true, maxVersion });
      const options = { caFile: authority() };
      expect(await heard(`https://${host}`, options)).toMatch(
        /^identity: it (?:requires|rejected the TLS handshake \([\w/ ]+\) and may require) a client certificate$/,
      );
      const certDir = `${folder}/own-${maxVersion}`;
      await mkdir(certDir);
      await writeFile(`${certDir}/own.cert`, await readFile(`${certificates.client}/cert.pem`));
      await writeFile(`${certDir}/own.key`, await readFile(`${certificates.client}/key.pem`));
      await writeFile(`${certDir}/ca.crt`, ca);
      expect(await heard(`https://${host}`, { certDir })).toBe('hi');
      expect(await heard(`https://${host}`, { certDir, isOwn: () => false })).toMatch(/^(?:identity|tls): /);
    },
  );

  it('is given up where the server does not answer a greeting', async () => {
    await newUser();
    const host = await listen(createTcpServer(() => undefined));
    const timeouts = { ...TIMEOUTS, greeting: 50 };
    expect(await heard(`https://${host}`, { timeouts })).toMatch(/^unreachable: no answer to the TLS handshake for /);
  });

  it('speaks HTTP/2 with a server that speaks nothing else', async () => {
    await newUser();
    const options = { ...(await pair(certificates)), allowHTTP1: false };
    const server = createSecureServer(options, ({ httpVersion }, response) => response.end(`HTTP/${httpVersion}`));
    expect(await heard(`https://${await listen(server)}`, { caFile: authority() })).toBe('HTTP/2.0');
    const both = createSecureServer({ ...options, allowHTTP1: true }, ({ httpVersion }, response) =>
      response.end(httpVersion),
    );
    expect(await heard(`https://${await listen(both)}`, { caFile: authority() })).toBe('1.1');
  });

  describe('through a proxy', () => {
    const forward = async (options: Parameters<typeof forwardProxy>[1] = {}) => {
      const [, port = ''] = (await tlsServer()).split(':');
      const proxy = await forwardProxy({ '127.0.0.2.example:443': port }, options);
      await newUser();
      vi.stubEnv('HTTPS_PROXY', proxy.url);
      return proxy;
    };
    const URL = 'https://127.0.0.2.example';

    test.each([
      [407, 'requires a user name and a password (HTTP 407)'],
      [403, 'denies the connection (HTTP 403)'],
    ])('that answers HTTP %i is named, and not asked again', async (status, what) => {
      const { url, asked } = await forward({ status });
      expect(await heard(URL)).toBe(`proxy: the proxy ${url} ${what}`);
      expect(asked).toHaveLength(1);
    });

    it('that is not there is named, without its password', async () => {
      await newUser();
      vi.stubEnv('HTTPS_PROXY', 'http://me:s3cret@127.0.0.1:1');
      expect(await heard(URL)).toMatch(/^unreachable: the proxy http:\/\/127\.0\.0\.1:1 cannot be reached: /);
    });

    it('is shown a user without a password, too', async () => {
      const proxy = await forward();
      vi.stubEnv('HTTPS_PROXY', proxy.url.replace('//', '//us%20er@'));
      await heard(URL);
      expect(new Set(proxy.shown)).toEqual(new Set([`Basic ${Buffer.from('us er:').toString('base64')}`]));
    });

    it('that is reached by TLS is trusted by the same authorities', async () => {
      const proxy = await forward({ tls: await pair(certificates) });
      expect(await heard(URL)).toMatch(/^tls: /);
      expect(proxy.asked).toEqual([]);
      // the proxy is trusted then, and the server is not: its certificate is for another name
      expect(await heard(URL, { caFile: authority() })).toMatch(/^tls: .*altnames/);
      expect(proxy.asked).toEqual(['CONNECT 127.0.0.2.example:443']);
    });

    test.each(['socks5', 'socks5h'])('that speaks %s is told the name of the server', async (scheme) => {
      await newUser();
      const [, port = ''] = (await listen(createHttpServer((_, response) => response.end('hi')))).split(':');
      const proxy = await socksProxy(port);
      vi.stubEnv('HTTP_PROXY', `${scheme}://${proxy.host}`);
      expect(await heard('http://a.example/')).toBe('hi');
      expect(proxy.asked).toEqual(['a.example:80']);
    });
  });
});

describe('a request', () => {
  it('wants no encoding, and takes headers of up to 64 KiB', async () => {
    await newUser();
    const host = await listen(
      createHttpServer(({ url, headers }, response) => {
        response.setHeader('x-long', 'x'.repeat(Number(url?.slice(1))));
        response.end(headers['accept-encoding']);
      }),
    );
    expect(await heard(`http://${host}/60000`)).toBe('identity');
    expect(await heard(`http://${host}/70000`)).toMatch(/^refused: /);
  });

  it('of a name without an address says so', async () => {
    await newUser();
    expect(await heard('http://nowhere.invalid')).toMatch(
      /^nameless: (?:no such host|the host name cannot be resolved at the moment)$/,
    );
  });
});
