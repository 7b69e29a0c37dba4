import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SocketSource } from '#dimgx/base/io/socket-source.js';
import { bytesOf } from '../../helpers/bytes-of.js';
import { listenOnSocket } from '../../helpers/listen-on-socket.js';
import { noise } from '../../helpers/sample-image.js';

const BYTES = noise(3_000_000);

async function sourceOf(serve: (socket: Socket) => void, signal?: AbortSignal) {
  const url = await listenOnSocket(createServer((socket) => serve(socket.on('error', () => undefined))));
  return new SocketSource((reading) => connect({ path: url.replace('unix://', ''), ...reading }), signal);
}

it('gives all that comes, also what came before it was asked for', async () => {
  const source = await sourceOf((socket) => socket.end(BYTES));
  await once(source.socket, 'connect');
  for (let turns = 0; turns < 20; turns++) await turn();
  expect((await bytesOf(source)).equals(BYTES)).toBe(true);
});

it('leaves a piece alone until its taker has done with it', async () => {
  const source = await sourceOf((socket) => socket.end(BYTES));
  const pieces: Buffer[] = [];
  await source.forEachPiece(async (piece) => {
    for (let turns = 0; turns < 5; turns++) await turn();
    pieces.push(Buffer.from(piece));
  });
  expect(Buffer.concat(pieces).equals(BYTES)).toBe(true);
});

it.each([
  [
    'at once',
    () => {
      throw new Error('mine');
    },
  ],
  [
    'later',
    async () => {
      await turn();
      throw new Error('mine');
    },
  ],
])('ends with what its taker throws %s', async (_, take) => {
  const source = await sourceOf((socket) => socket.write(BYTES));
  await expect(source.forEachPiece(take)).rejects.toThrow('mine');
  expect(source.socket.destroyed).toBe(true);
});

it('ends with an error when there is no connection, or it is ended from here', async () => {
  const none = new SocketSource((reading) => connect({ path: '/nonexistent/socket', ...reading }));
  await expect(bytesOf(none)).rejects.toThrow('ENOENT');
  const left = await sourceOf((socket) => socket.write('x'));
  const pumped = bytesOf(left);
  left.destroy();
  await expect(pumped).rejects.toThrow('lost');
});

it('ends with the reason of a signal', async () => {
  const controller = new AbortController();
  const source = await sourceOf((socket) => socket.write('x'), controller.signal);
  const pumped = bytesOf(source);
  await once(source.socket, 'connect');
  controller.abort(new Error('mine'));
  await expect(pumped).rejects.toThrow('mine');
});
