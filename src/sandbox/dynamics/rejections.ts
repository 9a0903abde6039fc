import type { Dataverse } from './call.js';

/** Counts a row that was refused for what it holds; throttling and missing rights are no refusal of the row. */
export function countRejection({ context }: Dataverse, method: string, status: number): void {
  const isWrite = method === 'POST' || method === 'PATCH' || method === 'PUT';
  if (isWrite && (status === 400 || status === 404 || status === 412))
    context.stats.add('dynamics', 'rejectedRows');
}
