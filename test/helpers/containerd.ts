import { writeFile } from 'node:fs/promises';
import { startDaemon } from './daemon.js';
import { runCommand } from './run-command.js';

/** A containerd of our own, with its socket, images and state in one temporary folder. */
export interface Containerd {
  /** Its data folder. */
  readonly root: string;
  /** Runs its own client. @returns its output */
  ctr(...args: readonly string[]): Promise<string>;
  /** Ends the process that was started, and leaves its data. */
  end(): Promise<void>;
  /** Ends the process that was started, and removes the folder. */
  stop(): Promise<void>;
}

/** Source: containerd, plugins/gc/scheduler.go: pauses between collections are this fraction of them. */
const HARDLY_EVER = '[plugins."io.containerd.gc.v1.scheduler"]\npause_threshold = 0.00001\n';

/**
 * @param collects whether it collects garbage by itself after something was removed, not only when a client waits for that
 * @throws if it does not answer within 30 seconds; the message includes the end of its log
 */
export async function startContainerd({ collects = true } = {}): Promise<Containerd> {
  let address = '';
  const ctr = async (...args: readonly string[]) =>
    (await runCommand('ctr', ['--address', address, ...args])).stdout.toString();
  const { folder, end, stop } = await startDaemon(async (place) => {
    address = `${place}/socket`;
    const places = `root = "${place}/root"\nstate = "${place}/state"\n`;
    const plugins = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
    const grpc = `[grpc]\naddress = "${address}"\n`;
    const scheduler = collects ? '' : HARDLY_EVER;
    await writeFile(`${place}/config.toml`, `version = 2\n${places}${plugins}${grpc}${scheduler}`);
    return { command: 'containerd', args: ['--config', `${place}/config.toml`], probe: () => ctr('version') };
  });
  return { root: `${folder}/root`, ctr, end, stop };
}
