import type { MessageSettings } from '../messages/message-settings.js';
import type { Messages } from '../messages/messages.js';

/** The work that a command line asks for, when it is more than printing help or the version. */
export interface Job {
  readonly settings: MessageSettings;
  /** @param signal aborts when the process has to end */
  work(messages: Messages, signal: AbortSignal): Promise<void>;
}
