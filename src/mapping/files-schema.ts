import { z } from 'zod';

/*
 * What sync.yaml says of files that Campaign exports to the SFTP area.
 */

/** `what` completes "Folder of the SFTP area that …". */
export const exportFolder = (folder: string, what: string) =>
  z
    .string()
    .regex(/^(?!.*(^|\/)\.\.(\/|$))[\w./-]{1,200}$/, 'a folder of the SFTP area')
    .default(folder)
    .describe(`Folder of the SFTP area that ${what}.`);

export const fileName = z
  .string()
  .regex(/^[\w.*-]{1,100}$/, 'a file name, with * for any characters, without a folder')
  .describe('Which files of the folder: a name, with * for any characters.');

export const heading = z.string().min(1);

/** How the text of a file is written. */
export const textForm = {
  separator: z
    .enum(['auto', 'tab', 'semicolon', 'comma'])
    .default('auto')
    .describe('What stands between two columns.'),
  encoding: z.enum(['utf-8', 'latin1']).default('utf-8').describe('How the text is encoded.'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'a time zone such as UTC or Europe/Paris')
    .default('UTC')
    .describe('Time zone of times that do not say theirs.'),
};

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
