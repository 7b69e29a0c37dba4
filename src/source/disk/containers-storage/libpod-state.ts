import * as v from 'valibot';
import { DimgxError } from '../../../errors.js';
import { type Container, type ContainerMount, type ContainerStatus, hasCome } from '../../../image/container.js';
import { parseDocument } from '../../../image/document.js';
import { type BoltBucket, readBolt } from '../database/bolt.js';
import { readSqlite, type SqliteDatabase } from '../database/sqlite.js';
import { isStoreId } from '../store.js';
import type { StoreFiles } from '../store-files.js';

/** What Podman adds to a container of containers/storage. */
export type LibpodFacts = Pick<
  Container,
  'status' | 'exitCode' | 'created' | 'started' | 'finished' | 'command' | 'mounts'
>;

/** Below the folder of the storage. Podman has used bbolt, and SQLite since version 4.8. */
const BOLT = 'libpod/bolt_state.db';
const SQLITE = ['db.sql', 'libpod/db.sql'];

const Text = v.nullish(v.string(), '');

/** Source: libpod, container_config.go. */
const ConfigSchema = v.object({
  createdTime: Text,
  command: v.nullish(v.array(v.string())),
  namedVolumes: v.nullish(
    v.array(v.object({ volumeName: Text, dest: v.string(), options: v.nullish(v.array(v.string()), []) })),
    [],
  ),
  spec: v.nullish(
    v.object({
      mounts: v.nullish(
        v.array(
          v.object({ destination: v.string(), type: Text, source: Text, options: v.nullish(v.array(v.string()), []) }),
        ),
        [],
      ),
    }),
  ),
});

/** Source: libpod, container.go, ContainerState. */
const StateSchema = v.object({
  state: v.number(),
  startedTime: Text,
  finishedTime: Text,
  exitCode: v.nullish(v.number()),
});

/** Source: libpod/define/containerstate.go. */
const STATUSES: readonly ContainerStatus[] = [
  ...(['unknown', 'created', 'created', 'running', 'exited'] as const),
  ...(['paused', 'exited', 'exited', 'running'] as const),
];

/**
 * What Podman's databases say about containers, by their IDs. It is only shown: what is damaged is left out. Source:
 * libpod, boltdb_state.go, sqlite_state.go.
 */
export function libpodFacts(files: StoreFiles): ReadonlyMap<string, LibpodFacts> {
  const newest = SQLITE.map((path) => shown(() => readSqlite(files, path, factsInTables)));
  const all = [shown(() => readBolt(files, BOLT, factsInBuckets)), ...newest];
  return new Map(all.flatMap((facts) => [...facts]));
}

function shown(read: () => ReadonlyMap<string, LibpodFacts> | undefined): ReadonlyMap<string, LibpodFacts> {
  try {
    return read() ?? new Map();
  } catch (failure) {
    if (failure instanceof DimgxError && SHOWN_ONLY.includes(failure.code)) return new Map();
    throw failure;
  }
}

const SHOWN_ONLY: readonly string[] = ['DIMGX_STORE_DAMAGED', 'DIMGX_SOURCE_CHANGED', 'DIMGX_SOURCE_UNREADABLE'];

function factsInBuckets(root: BoltBucket): ReadonlyMap<string, LibpodFacts> {
  const found = new Map<string, LibpodFacts>();
  for (const { key, value } of root.bucket('ctr')?.entries() ?? []) {
    const id = key.toString();
    const isBucket = isStoreId(id) && !Buffer.isBuffer(value);
    const facts = isBucket ? factsOf(value.value('config'), value.value('state')) : undefined;
    if (facts) found.set(id, facts);
  }
  return found;
}

function factsInTables(database: SqliteDatabase): ReadonlyMap<string, LibpodFacts> {
  const configs = documentsIn(database, 'ContainerConfig');
  const found = new Map<string, LibpodFacts>();
  for (const [id, state] of documentsIn(database, 'ContainerState')) {
    const facts = factsOf(configs.get(id), state);
    if (facts) found.set(id, facts);
  }
  return found;
}

/** The document in the last column of a table, by the ID in the first. */
function documentsIn(database: SqliteDatabase, table: string): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const row of database.rows(table)) {
    const [id, document] = [`${row[0]}`, row[DOCUMENT]];
    if (isStoreId(id) && Buffer.isBuffer(document)) found.set(id, document);
  }
  return found;
}

/** Column of the document in the tables of containers. */
const DOCUMENT = 3;

function factsOf(configuration: Buffer | undefined, present: Buffer | undefined): LibpodFacts | undefined {
  const config = parsed(configuration, ConfigSchema);
  const state = parsed(present, StateSchema);
  if (!config || !state) return undefined;
  const { startedTime: started, finishedTime: finished, exitCode } = state;
  const status = STATUSES[state.state] ?? 'unknown';
  return {
    status,
    ...(status === 'exited' && { exitCode: exitCode ?? 0 }),
    ...(config.createdTime && { created: config.createdTime }),
    ...(hasCome(started) && { started }),
    ...(hasCome(finished) && { finished }),
    ...(config.command && { command: config.command }),
    mounts: mountsOf(config),
  };
}

/** Volumes and what users bind; not what every container has, such as /proc. */
function mountsOf({ namedVolumes, spec }: v.InferOutput<typeof ConfigSchema>): readonly ContainerMount[] {
  const named = (namedVolumes ?? []).map(({ volumeName, dest, options }) => ({
    type: 'volume',
    ...(volumeName && { name: volumeName }),
    destination: dest,
    isWritable: !options?.includes('ro'),
  }));
  const bound = (spec?.mounts ?? []).filter(({ type }) => type === 'bind');
  const binds = bound.map(({ destination, source, options }) => ({
    type: 'bind',
    ...(source && { source }),
    destination,
    isWritable: !options?.includes('ro'),
  }));
  return [...named, ...binds];
}

function parsed<const S extends v.GenericSchema>(bytes: Buffer | undefined, schema: S): v.InferOutput<S> | undefined {
  try {
    return bytes && parseDocument(bytes, schema, 'a record of Podman');
  } catch {
    return undefined;
  }
}
