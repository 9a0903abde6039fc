import type { EventSource } from './campaign/event-source.js';
import { createJournal } from './campaign/journal.js';
import { createLogFiles, type LogFilesForm } from './campaign/log-files.js';
import { createOptOutFiles } from './campaign/opt-out-files.js';
import type { OptOutSource } from './campaign/opt-out-source.js';
import type { Config } from './config.js';
import { SyncError } from './errors.js';
import type { CallBudget } from './http/budget.js';
import { logFilesDefaults, type Events } from './mapping/events-schema.js';
import { optOutFilesDefaults } from './mapping/opt-out-files-schema.js';
import type { OptOut } from './mapping/opt-out-schema.js';

/**
 * Opens the source of email events that the mapping names: the journal of CAMPAIGN_JOURNAL_URL, or the log files of the SFTP area. The
 * same source is given out again, with its token, until the mapping asks for another one. Throws EVENT_SOURCE_NOT_SET when its settings
 * are missing.
 */
export function createEventSources(config: Config, budget: CallBudget): (events: Events) => EventSource {
  let made: { asked: string; source: EventSource } | undefined;

  return (events) => {
    const { source: kind, mirrorPageField, files = logFilesDefaults } = events;
    const asked = JSON.stringify([kind, mirrorPageField, files]);
    if (made?.asked !== asked) {
      const source = kind === 'journal' ? journal(config, budget, mirrorPageField) : logFiles(config, files);
      made = { asked, source };
    }
    return made.source;
  };
}

function journal(
  { campaign, callTimeLimitSeconds }: Config,
  budget: CallBudget,
  mirrorPageField: string,
): EventSource {
  const { journalUrl: url, organizationId } = campaign;
  if (url === undefined || organizationId === undefined) throw notSet('journal');
  const timeLimitMs = callTimeLimitSeconds * 1000;
  return createJournal({ ...campaign, url, organizationId, timeLimitMs, budget, mirrorPageField });
}

function logFiles({ sftp, callTimeLimitSeconds, settleSeconds }: Config, form: LogFilesForm): EventSource {
  if (!sftp) throw notSet('files');
  return createLogFiles({
    ...sftp,
    form,
    timeLimitMs: callTimeLimitSeconds * 1000,
    settleMs: settleSeconds * 1000,
  });
}

/** Opens the export files of opt-outs in the SFTP area. Throws OPT_OUT_SOURCE_NOT_SET when its settings are missing. */
export function createOptOutSource({ sftp, callTimeLimitSeconds, settleSeconds }: Config) {
  return ({ files = optOutFilesDefaults, flags }: OptOut): OptOutSource => {
    if (!sftp) throw new SyncError('OPT_OUT_SOURCE_NOT_SET', { system: 'campaign' });
    return createOptOutFiles({
      ...sftp,
      form: files,
      flags: flags.map(({ campaign, stamp }) => ({ name: campaign, stamp })),
      timeLimitMs: callTimeLimitSeconds * 1000,
      settleMs: settleSeconds * 1000,
    });
  };
}

const notSet = (source: string): SyncError =>
  new SyncError('EVENT_SOURCE_NOT_SET', { system: 'campaign', subject: source });
