import { z } from 'zod';
import { duration, logicalName } from './names-schema.js';
import { optOutFilesSchema } from './opt-out-files-schema.js';
import { optOutFlags } from './opt-out-flags.js';
import type { Direction } from './opt-out-rule.js';

/*
 * The `optOut` part of sync.yaml.
 */

const changes = z
  .strictObject({
    filter: z
      .string()
      .regex(/^\w{1,100}$/, 'the name of a filter')
      .default('bymodifiedsince')
      .describe('Custom filter of profiles for those that were modified at or after a time.'),
    parameter: z
      .string()
      .regex(/^\w{1,100}$/, 'the name of a parameter')
      .optional()
      .describe("The filter's parameter for that time; left out, the one that Campaign's metadata names."),
    overlap: duration
      .default('10m')
      .describe('How far each look goes back behind the last one, by the clock of Campaign.'),
  })
  .describe('How changes of profiles are asked for over REST; of `source: changes`.');

export const optOut = z
  .strictObject({
    direction: z
      .enum(['disabled', 'dynamics-to-campaign', 'campaign-to-dynamics', 'bidirectional'])
      .default('disabled')
      .describe('Which way opt-outs travel.'),
    rule: z
      .enum(['three-way', 'adobe'])
      .default('three-way')
      .describe('Which side wins when both changed (bidirectional only).'),
    clockTolerance: duration
      .default('5m')
      .describe("How far the two systems' clocks may be apart before a later opt-in counts as later."),
    every: duration.default('1m').describe('How often both sides are looked at; at least 10s.'),
    source: z
      .enum(['changes', 'files'])
      .default('changes')
      .describe('Where opt-outs of Campaign come from: a filter over REST, or export files over SFTP.'),
    changes: changes.default(changes.parse({})),
    files: optOutFilesSchema.optional(),
    staleAfter: duration
      .default('26h')
      .describe('Of `source: files`: a newest export file that is older than this is told.'),
    flags: z
      .array(
        z
          .strictObject({
            dynamics: logicalName.describe('Boolean column of the contact.'),
            campaign: z.enum(optOutFlags).describe('Flag of the profile.'),
            inverse: z
              .boolean()
              .default(false)
              .describe('true where the column means the opposite, as followemail does.'),
            stamp: z
              .string()
              .regex(/^\w{1,100}$/, 'the name of a field')
              .optional()
              .describe(
                "Field of the profile that tells when the flag was changed; left out, the flag's name with LastModified behind it.",
              ),
          })
          .describe('A pair of flags that mean the same.'),
      )
      .default([])
      .describe('The flags kept in step; they may not be fields of the contact as well.'),
  })
  .describe('Opt-outs between contacts and profiles.');

export type OptOut = z.output<typeof optOut>;
/** Opt-outs that are to be kept in step. */
export type OptOutInForce = OptOut & { direction: Direction };

/** The flags are to be kept in step: there are some, and a direction. */
export const wantsOptOut = (settings: OptOut | undefined): settings is OptOutInForce =>
  settings !== undefined && settings.direction !== 'disabled' && settings.flags.length > 0;

/** The flags that records of a table are created with. */
export const optOutsOf = (table: string, settings: OptOut | undefined): OptOut['flags'] =>
  table === OPT_OUT_TABLE && wantsOptOut(settings) ? settings.flags : [];

/** Opt-outs are between these two only (campaign.md §10). */
export const OPT_OUT_TABLE = 'contact';
export const OPT_OUT_RESOURCE = 'profile';
