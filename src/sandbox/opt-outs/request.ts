import { z } from 'zod';
import { parseDatetime } from '../campaign/field-values.js';

/** Body of `POST /_sandbox/opt-out-export`; an absent one is an ordinary run of the workflow. */
export const OptOutExportBody = z
  .strictObject({
    /** Stands in for the date of the last execution, in this run. */
    since: z
      .string()
      .transform((text, check) => {
        const milliseconds = parseDatetime(text);
        if (milliseconds === undefined)
          check.addIssue({ code: 'custom', message: 'a date is expected, such as 2026-03-04T09:15:00Z' });
        return milliseconds ?? 0;
      })
      .optional(),
    /** Every profile, whenever it was changed. */
    all: z.boolean().default(false),
    /** First part of the file's name. */
    label: z
      .string()
      .regex(/^[A-Za-z0-9][\w-]{0,63}$/, 'letters, digits, _ and - are expected, 64 at most')
      .default('optOuts'),
    /** Fields of the profile, in the order of the file. */
    columns: z.array(z.string().min(1)).min(1).optional(),
    /** Whether rows on the boundary of the last execution come again, as the real query's "≥" has it. */
    repeatBoundary: z.boolean().default(true),
  })
  .refine(({ since, all }) => !(all && since !== undefined), {
    path: ['since'],
    message: 'has no meaning together with all',
  });

export type OptOutExportRequest = z.output<typeof OptOutExportBody>;

export interface OptOutExportReport {
  /** Path of the file, as an SFTP client names it. */
  file: string;
  /** Profiles in it, repeated ones included. */
  rows: number;
}
