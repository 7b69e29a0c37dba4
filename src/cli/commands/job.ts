import type { MessageSettings } from '../messages/message-settings.js';
import type { Messages } from '../messages/messages.js';

/** What a command line asks for, when it asks for more than an answer. */
export interface Job {
  readonly settings: MessageSettings;
  /** @param signal aborts when the process is to end */
  work(messages: Messages, signal: AbortSignal): Promise<void>;
}
