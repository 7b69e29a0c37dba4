import { execFile } from 'node:child_process';
import * as v from 'valibot';
import type { Environment } from '../../base/io/folders.js';
import { goFields, isObject, parseGoJson } from '../../base/text/go-json.js';
import { printable, quoted } from '../../base/text/printable.js';
import { isSystemError } from '../../errors.js';
import type { Credentials } from './auth-file.js';

export interface HelperOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. */
  readonly timeout: number;
}

/** Maximum size of a helper's output, in bytes. */
const MAX_ANSWER = 2 ** 18;

/** Excludes paths, and names that would be read as an option. */
const HELPER = /^[A-Za-z0-9][\w.-]*$/;

const Text = v.optional(v.string(), '');
const AnswerSchema = v.object({ Username: Text, Secret: Text });

/** In place of a user name, it marks the secret as an identity token. */
const TOKEN = '<token>';

/** Output of a helper that works but has no credentials for the registry. */
const NONE =
  /^credentials not found in native keychain$|^no credentials (?:server URL|username)$|could not be found in the keychain\.?$/;

/** Maximum length quoted from a failing helper's output, in characters. */
const MAX_SAID = 300;

/** A credential helper failed to return credentials. The message contains nothing of the helper's output. */
export class HelperFailure extends Error {
  /** Printable. */
  readonly program: string;
  /** The helper's output, which may be anything. Printable; empty if it looks like credentials. */
  readonly said: string;

  constructor(program: string, reason: string, said = '') {
    super(`${quoted(program)} ${reason}`);
    this.program = printable(program, 200);
    const text = said.trim().replace(/\s+/g, ' ');
    this.said = /"secret"|^[[{]/i.test(text) ? '' : printable(text, MAX_SAID);
  }
}

/**
 * Asks the program `docker-credential-HELPER` for the credentials of a registry, and kills it at the timeout. Source:
 * docker/docker-credential-helpers, client.
 *
 * @returns `undefined` when it has none
 * @throws HelperFailure
 */
export async function askHelper(
  helper: string,
  server: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const answer = await command(helper, 'get', server, options);
  if (answer === undefined) return undefined;
  const document = parseGoJson(answer);
  const parsed = v.safeParse(AnswerSchema, goFields(document, ['Username', 'Secret']));
  const isAnswer = document === null || isObject(document);
  if (!parsed.success || !isAnswer) throw new HelperFailure(programOf(helper), 'returned no credentials');
  const { Username, Secret } = parsed.output;
  if (Username === '' || Secret === '') return undefined;
  const isToken = Username === TOKEN;
  return {
    username: isToken ? '' : Username,
    password: isToken ? '' : Secret,
    identityToken: isToken ? Secret : '',
    registryToken: '',
  };
}

/**
 * Stores credentials in the helper, replacing any it has for the registry.
 *
 * @throws as `askHelper`
 */
export async function tellHelper(
  helper: string,
  server: string,
  { username, password }: Pick<Credentials, 'username' | 'password'>,
  options: HelperOptions,
): Promise<void> {
  const entry = { ServerURL: server, Username: username, Secret: password };
  await command(helper, 'store', JSON.stringify(entry), options);
}

/**
 * Makes the helper erase the credentials for a registry.
 *
 * @throws as `askHelper`
 */
export async function clearHelper(helper: string, server: string, options: HelperOptions): Promise<void> {
  await command(helper, 'erase', server, options);
}

/**
 * Asks the helper which registries it has credentials for.
 *
 * @throws as `askHelper`
 */
export async function listHelper(helper: string, options: HelperOptions): Promise<readonly string[]> {
  const document = parseGoJson((await command(helper, 'list', '', options)) ?? '{}');
  return isObject(document) ? Object.keys(document) : [];
}

type Action = 'get' | 'store' | 'erase' | 'list';

function programOf(helper: string): string {
  if (!HELPER.test(helper)) throw new Error(`${quoted(helper)} is not a valid name of a credential helper`);
  return `docker-credential-${helper}`;
}

/** @returns its output; `undefined` when it has no credentials for the registry */
async function command(
  helper: string,
  action: Action,
  input: string,
  options: HelperOptions,
): Promise<string | undefined> {
  const program = programOf(helper);
  const { failure, answer, complaint } = await run(program, action, input, options);
  if (!failure) return answer;
  if (action !== 'store' && NONE.test(answer.trim())) return undefined;
  // it may echo the secret it was given to store
  const said = action === 'store' ? '' : `${answer} ${complaint}`;
  throw new HelperFailure(program, whyFailed(failure, options), said);
}

type Failure = Parameters<Exclude<Parameters<typeof execFile>[3], null | undefined>>[0];

function run(
  program: string,
  action: Action,
  input: string,
  { env, signal, timeout }: HelperOptions,
): Promise<{ readonly failure: Failure; readonly answer: string; readonly complaint: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [action],
      { env: { ...env }, timeout, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER, ...(signal && { signal }) },
      (failure, answer, complaint) => resolve({ failure, answer, complaint }),
    );
    child.stdin?.on('error', () => undefined); // a helper that exits without reading its input is fine
    child.stdin?.end(input);
  });
}

function whyFailed(failure: NonNullable<Failure>, { timeout }: HelperOptions): string {
  if (isSystemError(failure, 'ENOENT')) return 'is not on the PATH';
  if (isSystemError(failure)) return `cannot be run: ${failure.code}`;
  if (failure.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'returned too much data';
  return failure.killed ? `did not answer for ${timeout / 1000} s` : `ended with ${failure.code ?? failure.signal}`;
}
