import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the clone, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A block of code between fences. */
export interface Fence {
  /** What stands behind the opening fence: `js`, `console`. */
  readonly language: string;
  readonly lines: readonly string[];
}

/** A page of Markdown, as far as the tests look into it. */
export class Page {
  /** From the folder of the clone. */
  readonly name: string;
  readonly lines: readonly string[];
  readonly fences: readonly Fence[];
  /** The lines outside the fences. */
  readonly prose: readonly string[];

  constructor(name: string, text = readFileSync(ROOT + name, 'utf8')) {
    this.name = name;
    this.lines = text.split('\n');
    const fences: { language: string; lines: string[] }[] = [];
    const prose: string[] = [];
    let fence: { language: string; lines: string[] } | undefined;
    for (const line of this.lines) {
      const [, language] = /^```(\w*)$/.exec(line) ?? [];
      if (fence && language === '') fence = undefined;
      else if (fence) fence.lines.push(line);
      else if (language === undefined) prose.push(line);
      else {
        fence = { language, lines: [] };
        fences.push(fence);
      }
    }
    this.fences = fences;
    this.prose = prose;
  }

  /** Texts between backticks, outside the fences. */
  get codeSpans(): readonly string[] {
    return [...this.prose.join('\n').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\n', ' '));
  }

  /** Targets of links. */
  get links(): readonly string[] {
    const text = this.prose.join('\n').replaceAll(/`[^`]*`/g, '');
    return [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  }

  /** What `#…` in a link may say, as GitHub makes it. */
  get anchors(): readonly string[] {
    const headings = this.prose.flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []);
    return headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }

  /** The page from a heading to the next of the same or a higher rank. */
  section(heading: string): Page {
    const start = this.lines.indexOf(heading);
    if (start < 0) throw new Error(`${this.name} has no heading "${heading}"`);
    const rank = heading.indexOf(' ');
    const rest = this.lines.slice(start + 1);
    const end = rest.findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= rank);
    return new Page(this.name, (end < 0 ? rest : rest.slice(0, end)).join('\n'));
  }

  /** The cells of all tables, without their heads. */
  get rows(): readonly (readonly string[])[] {
    const isRule = (line: string | undefined) => line !== undefined && /^\|[ |:-]+\|$/.test(line);
    const body = this.prose.filter((line, i) => line.startsWith('|') && !isRule(line) && !isRule(this.prose[i + 1]));
    return body.map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
  }
}

/** Every page of the clone. */
export const PAGES: readonly Page[] = [
  ...readdirSync(ROOT),
  ...['docs', 'bench', 'fixtures', 'test'].flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true }).map((name) => `${folder}/${name}`),
  ),
]
  .filter((name) => name.endsWith('.md'))
  .sort()
  .map((name) => new Page(name));

/** What users read: these pages hold examples. */
export const MANUAL: readonly Page[] = PAGES.filter(({ name }) => /^(README\.md|docs\/.*)$/.test(name));
