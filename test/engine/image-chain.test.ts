import { chmod, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { EngineImage } from '#dimgx/engine/engine-documents.js';
import { imageChain } from '#dimgx/engine/image-history.js';
import { openEngine } from '#dimgx/engine/open-engine.js';
import { type Answers, fakeEngine } from '../helpers/fake-engine.js';
import { temporaryFolder } from '../helpers/members.js';
import { opened, openFake, TIMEOUTS } from '../helpers/opened-engine.js';

const idOf = (at: number) => at.toString(16).padStart(64, '0');
const diffIds = (count: number) => Array.from({ length: count }, (_, i) => `sha256:${idOf(i)}`);

interface Told {
  readonly parent?: number | undefined;
  readonly layers?: readonly string[];
}

const details = (at: number, { parent, layers = [] }: Told) => ({
  ...{ Id: idOf(at), Parent: parent === undefined ? '' : idOf(parent), RootFS: { Layers: layers }, Size: 1 },
});

const listedAs = (at: number, parent?: number): EngineImage => ({
  ...{ id: idOf(at), parentId: parent === undefined ? undefined : idOf(parent) },
  ...{ repoTags: [], repoDigests: [], fullNames: [], created: 0, size: 0 },
});

/** A straight line of so many images, each with a layer more than its parent; what the engine tells of them, and lists. */
function line(count: number) {
  const all = Array.from({ length: count }, (_, at) => at);
  const parentOf = (at: number) => (at === 0 ? undefined : at - 1);
  return {
    told: all.map((at) => details(at, { parent: parentOf(at), layers: diffIds(at + 1) })),
    listed: all.map((at) => listedAs(at, parentOf(at))),
  };
}

/** The numbers of the chain's images, the newest being asked for, and how often the engine was asked. */
async function chainOf(told: readonly ReturnType<typeof details>[], listed: readonly EngineImage[]) {
  let asked = 0;
  const answers = told.map((document): [string, unknown] => [
    `/images/${document.Id}/json`,
    (_: unknown, response: ServerResponse) => {
      asked += 1;
      response.end(JSON.stringify(document));
    },
  ]);
  const engine = await openFake(Object.fromEntries(answers));
  const image = await engine.inspect(told.at(-1)?.Id ?? '');
  const chain = await imageChain(engine, image ?? expect.unreachable(), listed);
  return { chain: chain.map(({ id }) => Number.parseInt(id, 16)), asked };
}

/** Answers when so many wait for it, or when nobody else comes: then the order in which they came does not count. */
class Gate {
  most = 0;
  readonly #width: number;
  readonly #waiting: (() => void)[] = [];
  #left: number;

  constructor(width: number, count: number) {
    this.#width = width;
    this.#left = count;
  }

  pass(answer: () => void): void {
    this.#left -= 1;
    this.#waiting.push(answer);
    this.most = Math.max(this.most, this.#waiting.length);
    if (this.#waiting.length < this.#width && this.#left > 0) return;
    for (const each of this.#waiting.splice(0)) each();
  }
}

describe('the images that an image was built on', () => {
  test('are told oldest first, whether or not they are in the list', async () => {
    const { told, listed } = line(21);
    const all = told.map((_, at) => at);
    for (const known of [listed, [], listed.slice(0, 9), listed.slice(9), listed.filter((_, at) => at % 3 > 0)]) {
      expect(await chainOf(told, known)).toMatchObject({ chain: all });
    }
  });

  test('are each asked for once', async () => {
    const { told, listed } = line(21);
    expect((await chainOf(told, listed)).asked).toBe(21);
  });

  test('are none when their layers are others, whatever comes before them', async () => {
    const { told, listed } = line(5);
    const other = told.map((each, at) => (at === 2 ? details(2, { parent: 1, layers: diffIds(9).slice(5) }) : each));
    expect((await chainOf(other, listed)).chain).toEqual([3, 4]);
    expect((await chainOf(other, [])).chain).toEqual([3, 4]);
  });

  test('end where the engine does not have one', async () => {
    const { told, listed } = line(5);
    expect((await chainOf(told.slice(2), listed)).chain).toEqual([2, 3, 4]);
  });

  test('are those that their inspection tells, when the list tells others', async () => {
    const { told } = line(5);
    const shuffled = [listedAs(4, 0), listedAs(3, 4), listedAs(2, 2), listedAs(1, 7), listedAs(0, 4)];
    expect((await chainOf(told, shuffled)).chain).toEqual([0, 1, 2, 3, 4]);
  });

  test('end when they go in a circle', async () => {
    const circle = [0, 1, 2].map((at) => details(at, { parent: (at + 2) % 3 }));
    const listed = [0, 1, 2].map((at) => listedAs(at, (at + 2) % 3));
    for (const known of [listed, []]) expect((await chainOf(circle, known)).chain).toEqual([0, 1, 2]);
  });
});

describe('the images that an image was built on are asked for', () => {
  const COUNT = 20;
  const { told, listed } = line(COUNT + 1);

  /** An engine that answers only when so many ask at once. */
  function waiting(width: number): { readonly gate: Gate; readonly answers: Answers } {
    const gate = new Gate(width, COUNT);
    const answers = told.map((document, at): [string, unknown] => [
      `/images/${document.Id}/json`,
      (_: IncomingMessage, response: ServerResponse) => {
        const answer = () => response.end(JSON.stringify(document));
        if (at === COUNT) answer();
        else gate.pass(answer);
      },
    ]);
    return { gate, answers: Object.fromEntries(answers) };
  }

  test('eight at a time', async () => {
    const { gate, answers } = waiting(8);
    const engine = await openFake(answers, { timeouts: TIMEOUTS });
    const image = (await engine.inspect(idOf(COUNT))) ?? expect.unreachable();
    expect(await imageChain(engine, image, listed)).toHaveLength(COUNT + 1);
    expect(gate.most).toBe(8);
  });

  test('one after the other by ssh, with one login', async () => {
    const { gate, answers } = waiting(1);
    const folder = await temporaryFolder();
    const socket = (await fakeEngine(answers)).slice(7);
    const bridge = `const s = require('net').connect(${JSON.stringify(socket)}); process.stdin.pipe(s).pipe(process.stdout);`;
    const script = `#!/bin/sh\necho login >> ${folder}/logins\nexec ${process.execPath} -e "$BRIDGE"\n`;
    await writeFile(`${folder}/ssh`, script);
    await chmod(`${folder}/ssh`, 0o755);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, BRIDGE: bridge };
    const engine = await opened(await openEngine({ host: 'ssh://h', env }));
    const image = (await engine.inspect(idOf(COUNT))) ?? expect.unreachable();
    const [chain] = await Promise.all([imageChain(engine, image, listed), engine.inspect(idOf(COUNT))]);
    expect(chain).toHaveLength(COUNT + 1);
    expect(gate.most).toBe(1);
    expect(await readFile(`${folder}/logins`, 'utf8')).toBe('login\n');
  });
});
