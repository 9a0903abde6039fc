import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The mapping that ships as an example, whole. */
export const wholeExampleDocument = readFileSync(
  fileURLToPath(new URL('../../sync.example.yaml', import.meta.url)),
  'utf8',
);

/** Its tables alone: what most tests run on. */
export const exampleDocument = wholeExampleDocument.replace(/^(?:events|optOut):\n(?:[ #\n].*\n?)*/gm, '');
