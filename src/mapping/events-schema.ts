import { z } from 'zod';
import { exportFolder, fileName, heading, textForm } from './files-schema.js';
import { duration, logicalName } from './names-schema.js';

/*
 * The `events` part of sync.yaml.
 */

const columnOf = (what: string) =>
  logicalName.optional().describe(`Column that takes ${what}; left out, it is not written.`);
const eventTable = z
  .strictObject({
    table: logicalName.describe('Activity table of Dynamics that takes one row for each of these events.'),
    campaignName: columnOf("the campaign's name"),
    deliveryName: columnOf("the delivery's name"),
    occurredOn: columnOf('the time of the event'),
    mirrorPageUrl: columnOf('the address of the mirror page'),
    trackingUrl: columnOf('the address that was clicked'),
  })
  .describe('A table of your own in place of ours.');

const columnNames = (names: string[]) =>
  z
    .partialRecord(z.enum(names), heading)
    .default({})
    .describe('Headings of the file, where they are not the usual ones.');

const files = z
  .strictObject({
    directory: exportFolder('d365_loads/logs', 'Campaign exports its logs to'),
    deliveryLogs: fileName.default('deliveryLogs_*'),
    trackingLogs: fileName.default('trackingLogs_*'),
    ...textForm,
    deliveryColumns: columnNames([
      'id',
      'status',
      'failureType',
      'failureReason',
      'messageType',
      'contactDate',
      'eventDate',
      'deliveryName',
      'deliveryLabel',
      'campaignName',
      'externalId',
      'testMember',
    ]),
    trackingColumns: columnNames([
      'trackingUrlType',
      'logDate',
      'url-id',
      'urlSource',
      'urlLabel',
      'broadLog-id',
      'deliveryName',
      'deliveryLabel',
      'campaignName',
      'externalId',
    ]),
  })
  .describe('How the log files look; of `source: files` only.');

const isWanted = (what: string) => z.boolean().default(false).describe(what);

export const events = z
  .strictObject({
    sends: isWanted('Emails sent.'),
    opens: isWanted('Emails opened.'),
    clicks: isWanted('Links clicked.'),
    bounces: isWanted('Hard bounces.'),
    source: z
      .enum(['journal', 'files'])
      .default('journal')
      .describe('Where they come from: the event journal, or log files over SFTP.'),
    every: duration.default('1m').describe('How often the source is looked at; at least 10s.'),
    tables: z
      .strictObject({
        sends: eventTable.optional(),
        opens: eventTable.optional(),
        clicks: eventTable.optional(),
        bounces: eventTable.optional(),
      })
      .default({})
      .describe(
        'Tables of your own, such as those of another solution; ours are made by `starter provision`.',
      ),
    followUp: z
      .strictObject({
        clicks: isWanted('A task for each click.'),
        bounces: isWanted('A task for each hard bounce.'),
      })
      .default({ clicks: false, bounces: false })
      .describe('Tasks for sales people, regarding the contact.'),
    mirrorPageUrl: z
      .string()
      .regex(/^https:\/\/[^\s{}]+\{id\}[^\s{}]*$/, 'an https address with {id} in it')
      .optional()
      .describe(
        "Address of a delivery's mirror page, with {id} for its id; left out, only a whole address is.",
      ),
    mirrorPageField: z
      .string()
      .regex(/^[\w:/@.-]{1,200}$/, 'names of members, with dots between')
      .default('message.mirrorPageID')
      .describe("Where an event of the journal holds the mirror page's id."),
    files: files.optional(),
  })
  .describe('Email events of Campaign that become timeline activities in Dynamics.');

export type Events = z.output<typeof events>;
/** How log files look that nothing is said of. */
export const logFilesDefaults = files.parse({});
export type LogFiles = NonNullable<Events['files']>;

/** Every kind of event, by its name in sync.yaml. */
export const eventKinds = { send: 'sends', open: 'opens', click: 'clicks', bounce: 'bounces' } as const;
export type EventKind = keyof typeof eventKinds;

/** The kinds that are to be carried over. */
export const wantedKinds = (events: Events): EventKind[] =>
  (Object.keys(eventKinds) as EventKind[]).filter((kind) => events[eventKinds[kind]]);

/** Whether any kind of event is to be carried over. */
export const wantsEvents = (events: Events | undefined): boolean =>
  events !== undefined && wantedKinds(events).length > 0;

/** Whether an event of this kind asks for a task. */
export const asksForTask = (kind: EventKind, { followUp }: Events): boolean =>
  (kind === 'click' && followUp.clicks) || (kind === 'bounce' && followUp.bounces);
