import type { Client } from '@temporalio/client';
import type { FlowId, ParkedRowView } from '../contracts.js';
import { inspect } from './inspect.js';

/** Rows that are set aside, page by page, up to `limit`. */
export async function allParked(
  client: Client,
  filter: { flow?: FlowId; code?: string },
  limit: number,
): Promise<ParkedRowView[]> {
  const rows: ParkedRowView[] = [];
  while (rows.length < limit) {
    const last = rows.at(-1);
    const page = await inspect(client, {
      kind: 'parked',
      ...filter,
      limit: Math.min(500, limit - rows.length),
      ...(last && { after: last.id }),
    });
    rows.push(...page.rows);
    if (page.rows.length < 500) break;
  }
  return rows;
}
