import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

/** A node of a syntax tree, in ESTree's format. */
type Node = Readonly<Record<string, unknown>> & { readonly type: string };

interface Module {
  readonly declared: Map<string, Node>;
  /** Names that it imports or re-exports from other modules of the package, by their local names. */
  readonly taken: Map<string, { readonly url: string; readonly name: string }>;
}

interface Declaration {
  readonly url: string;
  readonly name: string;
}

const modules = new Map<string, Module>();

function moduleAt(url: string): Module {
  const known = modules.get(url);
  if (known) return known;
  const module: Module = { declared: new Map(), taken: new Map() };
  modules.set(url, module);
  const { body } = parseAst(readFileSync(fileURLToPath(url), 'utf8'), { lang: 'dts', astType: 'ts' });
  for (const node of body as unknown as Node[]) read(module, node, url);
  return module;
}

function read(module: Module, node: Node, url: string): void {
  const from = (node.source as Node | null | undefined)?.value as string | undefined;
  if (from !== undefined) {
    if (!from.startsWith('.')) return;
    const other = new URL(from.replace(/\.js$/, '.d.ts'), url).href;
    for (const { local, imported, exported } of node.specifiers as Node[]) {
      const here = nameOf(exported ?? local);
      module.taken.set(here, { url: other, name: nameOf(imported ?? local) });
    }
    return;
  }
  const declaration = (node.declaration ?? node) as Node;
  const declarators = (declaration.declarations as Node[] | undefined) ?? [declaration];
  for (const one of declarators) if (one.id) module.declared.set(nameOf(one.id), one);
}

function nameOf(node: unknown): string {
  return (node as { name: string }).name;
}

function find({ url, name }: Declaration): Declaration | undefined {
  const { declared, taken } = moduleAt(url);
  if (declared.has(name)) return { url, name };
  const other = taken.get(name);
  return other && find(other);
}

/**
 * The names mentioned by a declaration. Its private members are left out, and so are the names of its members, and
 * values whose type is taken: `keyof typeof TABLE`.
 */
function* mentioned(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const part of value) yield* mentioned(part);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Node;
  if (node.accessibility === 'private' || node.type === 'TSTypeQuery') return;
  if (node.type === 'Identifier') yield nameOf(node);
  for (const [key, part] of Object.entries(node)) if (key !== 'key') yield* mentioned(part);
}

/** The types that a package's declarations export, or refer to at any depth. */
export function publicTypes(index: URL) {
  const keyOf = ({ url, name }: Declaration) => `${url}#${name}`;
  const found = new Map<string, Declaration>();
  const add = (declaration: Declaration | undefined) => {
    if (declaration) found.set(keyOf(declaration), declaration);
  };
  for (const name of moduleAt(index.href).taken.keys()) add(find({ url: index.href, name }));
  const exported = new Set(found.keys());
  for (const { url, name } of found.values()) {
    for (const other of mentioned(moduleAt(url).declared.get(name))) add(find({ url, name: other }));
  }
  return [...found].map(([key, { url, name }]) => ({
    name,
    isExported: exported.has(key),
    declaration: moduleAt(url).declared.get(name) as Node,
  }));
}

/** The optional members of an interface that do not accept `undefined`. */
export function strictlyOptional({ body }: Node): string[] {
  const members = ((body as Node | undefined)?.body ?? []) as Node[];
  const takesUndefined = (member: Node) => {
    const type = (member.typeAnnotation as Node).typeAnnotation as Node;
    return type.type === 'TSUnionType' && (type.types as Node[]).some((one) => one.type === 'TSUndefinedKeyword');
  };
  return members.filter((member) => member.optional && !takesUndefined(member)).map(({ key }) => nameOf(key));
}
