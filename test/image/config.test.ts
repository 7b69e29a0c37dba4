import { describe, expect, test } from 'vitest';
import { parseConfig } from '#dimgx/image/config.js';

const DIFF_ID = `sha256:${'0'.repeat(64)}`;

function parse(config: unknown) {
  return parseConfig(Buffer.from(JSON.stringify(config)), 'config');
}

describe('parseConfig', () => {
  test('reads platform, diff IDs and history', () => {
    const parsed = parse({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      created: '2024-01-01T00:00:00Z',
      rootfs: { type: 'layers', diff_ids: [DIFF_ID] },
      history: [{ created_by: 'ADD' }, { created_by: 'ENV', comment: 'x', empty_layer: true }],
    });
    expect(parsed.platform).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
    expect(parsed.config.created).toBe('2024-01-01T00:00:00Z');
    expect(parsed.diffIds).toEqual([DIFF_ID]);
    expect(parsed.history).toEqual([
      { history: { createdBy: 'ADD' }, madeLayer: true },
      { history: { createdBy: 'ENV', comment: 'x' }, madeLayer: false },
    ]);
  });

  test('takes null for absent', () => {
    const nulls = {
      os: null,
      architecture: null,
      variant: null,
      created: null,
      rootfs: { diff_ids: null },
      history: null,
    };
    expect(parse(nulls)).toMatchObject({ diffIds: [], history: [] });
    expect(parse({ ...nulls, rootfs: null, history: [null, { created: null, empty_layer: null }] }).history).toEqual([
      { history: {}, madeLayer: true },
      { history: {}, madeLayer: true },
    ]);
  });

  test('keeps the whole document', () => {
    expect(parse({ config: { Env: ['A=b'] } }).config.document).toEqual({ config: { Env: ['A=b'] } });
  });

  test.each([[[]], ['x'], [{ rootfs: { diff_ids: 'x' } }], [{ rootfs: 'x' }], [{ rootfs: { diff_ids: [1] } }]])(
    'refuses the shape of %j',
    (config) => {
      expect(() => parse(config)).toThrow(expect.objectContaining({ code: 'DIMGX_IMAGE_BAD_JSON' }));
    },
  );

  test.each(['sha256:../../etc/passwd', `sha256:${'A'.repeat(64)}`, 'x', `md5:${'0'.repeat(32)}`])(
    'refuses the diff ID %j',
    (diffId) => {
      expect(() => parse({ rootfs: { diff_ids: [diffId] } })).toThrow(
        expect.objectContaining({ code: 'DIMGX_IMAGE_BAD_DIGEST' }),
      );
    },
  );

  test('says in one printable line what is not JSON', () => {
    const broken = () => parseConfig(Buffer.from('{"a":\x1b\n'), 'the config');
    expect(broken).toThrow(expect.objectContaining({ code: 'DIMGX_IMAGE_BAD_JSON' }));
    expect(broken).toThrow(/^the config is not JSON: [ -~]+$/);
  });

  test('replaces what is not UTF-8, and says so', () => {
    const config = parseConfig(Buffer.from('{"os":"a\xe9"}', 'latin1'), 'the config');
    expect(config.config.os).toBe('a\ufffd');
    expect(config.oddity).toContain('not UTF-8');
  });

  test.each([
    ['created', 17],
    ['created', 'yesterday'],
    ['architecture', {}],
    ['history', {}],
    ['history', ['x']],
    ['history', [{ created: 1, created_by: [], comment: false, empty_layer: 'x' }]],
  ])('leaves %s out when it is %j, and says so', (key, value) => {
    const { oddity, config, history, diffIds } = parse({
      rootfs: { diff_ids: [`sha256:${'a'.repeat(64)}`] },
      [key]: value,
    });
    expect(oddity).toContain(` does not have the required structure at ${key}`);
    expect(config).not.toHaveProperty(key);
    expect(history.map((step) => step.history)).toEqual(history.map(() => ({})));
    expect(diffIds).toHaveLength(1);
  });

  test('finds its fields in any letter case, the last one', () => {
    expect(parse({ OS: 'a', os: 'b', RootFS: { DIFF_IDS: [`sha256:${'a'.repeat(64)}`] } })).toMatchObject({
      config: { os: 'b' },
      diffIds: [`sha256:${'a'.repeat(64)}`],
    });
    expect(parse({ os: 'b' }).oddity).toBeUndefined();
  });
});
