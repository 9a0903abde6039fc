import { z } from 'zod';
import { exportFolder, fileName, heading, textForm } from './files-schema.js';
import { optOutFlags } from './opt-out-flags.js';

/** The `optOut.files` part of sync.yaml. */
export const optOutFilesSchema = z
  .strictObject({
    directory: exportFolder('d365_loads/exports', 'Campaign exports opt-outs to'),
    exports: fileName.default('*.txt*'),
    ...textForm,
    externalId: heading
      .default('externalId')
      .describe("Heading of the column that holds the contact's id in Dynamics."),
    columns: z
      .partialRecord(
        z.enum(optOutFlags),
        z.strictObject({
          value: heading.optional().describe("Heading of the flag; left out, the flag's name."),
          stamp: heading
            .optional()
            .describe(
              "Heading of the time when the flag was changed; left out, its field's name. The column may be missing.",
            ),
        }),
      )
      .default({})
      .describe('Headings of flags, where they are not the usual ones.'),
  })
  .describe('How the export files look; of `source: files` only.');

export type OptOutFiles = z.output<typeof optOutFilesSchema>;
/** How export files look that nothing is said of. */
export const optOutFilesDefaults = optOutFilesSchema.parse({});
