import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, it, test, vi } from 'vitest';
import { forwardProxy } from '../helpers/forward-proxy.js';
import { listen } from '../helpers/registry-proxy.js';
import { callDimgx } from '../helpers/shared-dimgx.js';
import { socksProxy } from '../helpers/socks-proxy.js';
import { newUser } from '../helpers/user.js';

/** A registry that knows the tags of one repository. */
const registry = (): { readonly server: Server; readonly greetings: () => number } => {
  let greetings = 0;
  const server = createServer((_, response) => response.end('{"name":"a","tags":["1"]}'));
  server.on('clientError', (_, socket) => {
    greetings += 1;
    socket.destroy();
  });
  return { server, greetings: () => greetings };
};

describe('--plain-http', () => {
  it('does not try TLS', async () => {
    await newUser();
    const { server, greetings } = registry();
    const host = await listen(server);
    expect(await callDimgx('tags', '--plain-http', `${host}/a`)).toMatchObject({ stdout: '1\n', stderr: '', code: 0 });
    expect(greetings()).toBe(0);
    expect((await callDimgx('tags', `${host}/a`)).stdout).toBe('1\n');
    expect(greetings()).toBe(1);
  });
});

describe('--retry', () => {
  test.each([
    ['0', 1],
    ['1', 2],
  ])('%s asks a server that is busy %i times', async (retry, times) => {
    await newUser();
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    const host = await listen(server);
    const { stderr, code } = await callDimgx('tags', '--plain-http', '--retry', retry, `${host}/a`);
    expect([asked, code]).toEqual([times, 2]);
    expect(stderr).toContain('DIMGX_REGISTRY_FAILED');
  });

  test.each(['-1', 'x', '1000'])('is refused: %s', async (retry) => {
    expect(await callDimgx('tags', `--retry=${retry}`, 'a')).toMatchObject({ stdout: '', code: 1 });
  });
});

describe('a registry', () => {
  it('that does not answer a TLS greeting is asked by plain HTTP, on this machine', async () => {
    await newUser();
    let greetings = 0;
    const server = createTcpServer((socket) => {
      socket.once('data', (data: Buffer) => {
        // a TLS record of a handshake begins so; nothing is answered
        if (data[0] === 0x16) greetings += 1;
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"name":"a","tags":["1"]}');
      });
    });
    const host = await listen(server);
    expect(await callDimgx('tags', `${host}/a`)).toMatchObject({ stdout: '1\n', stderr: '', code: 0 });
    expect(greetings).toBe(1);
  });

  it('is reached through a SOCKS proxy without a word from Node', async () => {
    await newUser();
    const [, port = ''] = (await listen(registry().server)).split(':');
    const proxy = await socksProxy(port);
    vi.stubEnv('HTTP_PROXY', `socks5h://${proxy.host}`);
    const { stdout, stderr } = await callDimgx('tags', '--plain-http', 'a.example/a');
    expect([stdout, stderr, proxy.asked]).toEqual(['1\n', '', ['a.example:80']]);
  });

  test.each([403, 407])(
    'that a proxy answers for by HTTP %i is not asked again, and the proxy is named',
    async (status) => {
      await newUser();
      const proxy = await forwardProxy({}, { status });
      vi.stubEnv('HTTP_PROXY', proxy.url);
      const { stderr, code } = await callDimgx('tags', '--plain-http', 'a.example/a');
      expect(code).toBe(2);
      expect(stderr).toContain(`the proxy ${proxy.url}`);
      expect(proxy.asked).toHaveLength(1);
    },
  );
});
