import { describe, expect, test } from 'vitest';
import { type BagFacts, makeTagFiles, type PayloadFile } from '#dimgx/evidence/bag/tag-files.js';
import { elementsOf } from '../../helpers/rfc8493.js';
import { FACTS, hexOf } from '../../helpers/sample-bag.js';

const PAYLOAD: readonly PayloadFile[] = [
  { path: 'data/rootfs.tar', size: 2 ** 40, sha256: 'b'.repeat(64) },
  { path: 'data/image/config.json', size: 7, sha256: 'c'.repeat(64) },
];

function textOf(name: string, facts: Partial<BagFacts> = {}, payload = PAYLOAD): string {
  const files = makeTagFiles(payload, { ...FACTS, ...facts }, [{ name: 'snapshot.json', bytes: Buffer.from('{}') }]);
  return Buffer.from(files.find((file) => file.name === name)?.bytes ?? []).toString();
}

describe('the tag files of a bag', () => {
  test('are these, the tag manifest last', () => {
    expect(
      makeTagFiles(PAYLOAD, FACTS, [{ name: 'snapshot.json', bytes: Buffer.of() }]).map(({ name }) => name),
    ).toEqual(['bagit.txt', 'bag-info.txt', 'snapshot.json', 'manifest-sha256.txt', 'tagmanifest-sha256.txt']);
  });

  test('declare version and encoding', () => {
    expect(textOf('bagit.txt')).toBe('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n');
  });

  test('list the payload in the order of paths', () => {
    expect(textOf('manifest-sha256.txt')).toBe(
      `${'c'.repeat(64)}  data/image/config.json\n${'b'.repeat(64)}  data/rootfs.tar\n`,
    );
  });

  test('have line breaks and percent signs of paths encoded in the manifest', () => {
    const odd = [{ path: 'data/100%\r\n%0A', size: 0, sha256: 'a'.repeat(64) }];
    expect(textOf('manifest-sha256.txt', {}, odd)).toBe(`${'a'.repeat(64)}  data/100%25%0D%0A%250A\n`);
  });

  test('are all in the tag manifest but itself', () => {
    const names = ['bag-info.txt', 'bagit.txt', 'manifest-sha256.txt', 'snapshot.json'];
    expect(textOf('tagmanifest-sha256.txt')).toBe(names.map((name) => `${hexOf(textOf(name))}  ${name}\n`).join(''));
  });

  test('tell day, program, identifiers and sum', () => {
    expect(textOf('bag-info.txt')).toBe(
      [
        'Bagging-Date: 2026-03-01',
        'Bag-Software-Agent: dimgx 2.0.0',
        'External-Identifier: docker-daemon:app:1',
        `External-Identifier: sha256:${'0'.repeat(64)}`,
        `Payload-Oxum: ${2 ** 40 + 7}.2\n`,
      ].join('\n'),
    );
  });

  test('tell what an examiner says, and nothing of what is empty', () => {
    const facts = {
      caseNumber: '2026/17',
      evidenceNumber: '3',
      description: 'Server: the web',
      examiner: 'Ä. B',
      notes: '',
    };
    expect(elementsOf(textOf('bag-info.txt', facts))?.slice(4, -1)).toEqual([
      ['Case-Number', '2026/17'],
      ['Evidence-Number', '3'],
      ['External-Description', 'Server: the web'],
      ['Examiner', 'Ä. B'],
    ]);
  });
});

describe('no value of bag-info.txt adds an element', () => {
  const BREAKS = ['\n', '\r', '\r\n', '\v', '\f', '\x1c', '\x85', '\u2028', '\u2029', '\n\n', '\n\t'];

  test.each(BREAKS.map((text) => [JSON.stringify(text), text]))('with %s in it', (_, text) => {
    const forged = `a${text}Payload-Oxum: 1.1${text}`;
    const fields = { caseNumber: forged, evidenceNumber: forged, description: forged, examiner: forged, notes: forged };
    const found = elementsOf(textOf('bag-info.txt', { ...fields, identifiers: [forged], softwareAgent: forged })) ?? [];
    expect(found.map(([label]) => label)).toEqual([
      'Bagging-Date',
      'Bag-Software-Agent',
      'External-Identifier',
      'Case-Number',
      'Evidence-Number',
      'External-Description',
      'Examiner',
      'Notes',
      'Payload-Oxum',
    ]);
    expect(found.at(-1)).toEqual(['Payload-Oxum', `${2 ** 40 + 7}.2`]);
    expect(found[3]?.[1]).toMatch(/^a\\.*Payload-Oxum: 1\.1\\/);
  });

  test('with a NUL, an escape sequence, a lone surrogate or a mark that turns text around', () => {
    expect(textOf('bag-info.txt', { notes: 'a\0\x1b[2J\ud800\u202e' })).toContain(
      'Notes: a\\x00\\x1b[2J\\u{d800}\\u{202e}\n',
    );
  });
});
