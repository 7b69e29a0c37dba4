import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What RFC 8493 asks of a bag of version 1.0, read for itself: nothing here is shared with dimgx. Each line is a rule that
 * the bag breaks, with its section.
 */
export function brokenRules(bag: string): readonly string[] {
  const broken: string[] = [];
  const rule = (section: string, holds: boolean, what: string) => {
    if (!holds) broken.push(`${section}: ${what}`);
  };
  const names = readdirSync(bag);
  const text = (name: string) => readFileSync(join(bag, name), 'utf8');
  const files = filesBelow(bag, '');
  const payload = files.filter((path) => path.startsWith('data/'));

  rule('2.1.1', names.includes('bagit.txt'), 'a declaration');
  rule('2.1.1', /^BagIt-Version: 1\.0\nTag-File-Character-Encoding: UTF-8\n$/.test(text('bagit.txt')), 'its two lines');
  rule('2.1.2', names.includes('data') && lstatSync(join(bag, 'data')).isDirectory(), 'a payload directory');

  const manifests = names.filter((name) => /^manifest-[a-z0-9]+\.txt$/.test(name));
  const tagManifests = names.filter((name) => /^tagmanifest-[a-z0-9]+\.txt$/.test(name));
  rule('2.1.3', manifests.length > 0, 'a payload manifest');
  for (const name of [...manifests, ...tagManifests]) {
    const algorithm = name.replace(/^.*manifest-/, '').replace('.txt', '');
    const lines = text(name).split('\n');
    rule('2.3', lines.pop() === '', `${name} ends with a line break`);
    const listed = lines.map((line) => {
      const [, checksum = '', path = ''] = /^([0-9a-fA-F]+)[ \t]+(.+)$/.exec(line) ?? [];
      rule('2.1.3', checksum !== '', `${name}: a checksum and a path on each line`);
      rule('2.1.3', !/%(?!25|0A|0D)/.test(path), `${name}: only percent signs and line breaks are encoded`);
      const decoded = path.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');
      if (!files.includes(decoded)) rule('3', false, `${name}: ${decoded} is there`);
      else {
        const actual = createHash(algorithm)
          .update(readFileSync(join(bag, decoded)))
          .digest('hex');
        rule('3', actual === checksum.toLowerCase(), `${name}: the checksum of ${decoded}`);
      }
      return decoded;
    });
    rule('2.1.3', new Set(listed).size === listed.length, `${name}: each file once`);
    const inPayload = (path: string) => path.startsWith('data/');
    if (manifests.includes(name)) {
      rule('2.1.3', listed.every(inPayload), `${name}: only payload files`);
      for (const path of payload) rule('3', listed.includes(path), `${name}: it lists ${path}`);
    } else {
      rule('2.2.1', !listed.some(inPayload), `${name}: no payload files`);
      for (const manifest of manifests) rule('2.2.1', listed.includes(manifest), `${name}: it lists ${manifest}`);
      rule('2.2.1', !listed.some((path) => tagManifests.includes(path)), `${name}: no tag manifests`);
    }
  }

  if (names.includes('bag-info.txt')) {
    const elements = elementsOf(text('bag-info.txt'));
    rule('2.2.2', elements !== undefined, 'a label, a colon, a blank and a value on each line');
    const sum = payload.reduce((bytes, path) => bytes + lstatSync(join(bag, path)).size, 0);
    const oxums = elements?.filter(([label]) => label.toLowerCase() === 'payload-oxum').map(([, value]) => value);
    rule('2.2.2', oxums?.length === 1 && oxums[0] === `${sum}.${payload.length}`, 'the Payload-Oxum, once');
  }
  return broken;
}

/** The elements of `bag-info.txt`, in order; `undefined` if a line is malformed. */
export function elementsOf(text: string): readonly (readonly [label: string, value: string])[] | undefined {
  const elements: [string, string][] = [];
  // Readers differ in what they take for the end of a line: any control character but a tab, and separators.
  for (const line of text.split(/\r\n|[^\P{Cc}\t]|[\p{Zl}\p{Zp}]/u)) {
    if (line === '') continue;
    const [, label, value] = /^([^\s:](?:[^:]*[^\s:])?):[ \t](.*)$/.exec(line) ?? [];
    const last = elements.at(-1);
    if (/^[ \t]/.test(line) && last) last[1] += line.trim();
    else if (label === undefined || value === undefined) return undefined;
    else elements.push([label, value]);
  }
  return elements;
}

function filesBelow(bag: string, folder: string): readonly string[] {
  return readdirSync(join(bag, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(bag, path) : [path];
  });
}
