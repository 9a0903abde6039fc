import { z } from 'zod';
import { syncSchema } from './schema.js';

/**
 * The JSON Schema of sync.yaml, for editors: what `docs/reference/sync-schema.json` holds. Started by itself, this file
 * prints it: `npx tsx src/mapping/print-schema.ts > docs/reference/sync-schema.json`, then `npm run format`.
 */
export function jsonSchemaText(): string {
  return `${JSON.stringify({ title: 'sync.yaml', ...z.toJSONSchema(syncSchema, { io: 'input' }) }, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) process.stdout.write(jsonSchemaText());
