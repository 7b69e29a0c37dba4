import prettyBytes from 'pretty-bytes';
import { type Container, type ContainerMount, type ListedContainer, printable } from '../../index.js';
import { alignColumns, relativeTime } from './table.js';

/** In characters. A name can be megabytes long. */
const LONGEST = 200;

/** The containers of an engine's storage, a line for each; empty if there are none. */
export function containerTable(containers: readonly ListedContainer[], now: Date): string {
  if (containers.length === 0) return '';
  const areSeveral = containers.some(({ store }) => store !== undefined);
  const rows = containers.map((container) => [
    ...(areSeveral ? [shown(container.store ?? '-')] : []),
    shown(container.id.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1')),
    shown(container.names.join(', ')) || '-',
    shown(container.image ?? container.imageId?.slice(0, 12) ?? '-'),
    statusText(container),
    relativeTime(container.created, now),
    container.size === undefined ? '-' : prettyBytes(container.size),
    container.problem ? `no: ${container.problem.code}` : 'yes',
  ]);
  const heads = ['CONTAINER ID', 'NAME', 'IMAGE', 'STATUS', 'CREATED', 'CHANGES', 'READABLE'];
  return `${alignColumns([[...(areSeveral ? ['STORAGE'] : []), ...heads], ...rows]).join('\n')}\n`;
}

/** What is known about a container, a line for each fact. Its mounts are named because they are not in its tree. */
export function containerText(container: Container): string {
  const { id, names, image, created, started, finished, command, logPath, mounts, labels } = container;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['container', [names.join(', '), id].filter((text) => text !== '').join(' ')],
    ['image', image],
    ['status', statusText(container)],
    ['created', created],
    ['started', started],
    ['finished', finished],
    ['command', command?.join(' ')],
    ['log', logPath],
    ...Object.entries(labels ?? {}).map(([name, value]) => [name, value] as const),
    ...mounts.map((mount) => ['mount', mountText(mount)] as const),
  ];
  const lines = facts.flatMap(([name, value]) => (value === undefined ? [] : [[`${shown(name)}:`, shown(value)]]));
  return `${alignColumns(lines).join('\n')}\n`;
}

function statusText({ status, exitCode }: Container): string {
  return exitCode === undefined ? status : `${status} (${exitCode})`;
}

function mountText({ destination, type, name, source, isWritable }: ContainerMount): string {
  const from = [type, name ?? source].filter((text) => text !== undefined).join(' ');
  return `${destination}${from && ` from ${from}`}${isWritable === false ? ', read-only' : ''}`;
}

function shown(text: string): string {
  return printable(text, LONGEST);
}
