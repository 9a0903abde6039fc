import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The mapping that ships as an example: what most tests run on. */
export const exampleDocument = readFileSync(
  fileURLToPath(new URL('../../sync.example.yaml', import.meta.url)),
  'utf8',
);
