import { z } from 'zod';
import { syncSchema } from './schema.js';

/** The JSON Schema of sync.yaml, for editors: what `docs/reference/sync-schema.json` holds. */
export function jsonSchemaText(): string {
  return `${JSON.stringify({ title: 'sync.yaml', ...z.toJSONSchema(syncSchema, { io: 'input' }) }, null, 2)}\n`;
}
