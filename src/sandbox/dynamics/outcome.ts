import type { Answer, Call, Dataverse } from './call.js';
import { DataverseError } from './errors.js';

/** Runs an operation; a refusal becomes its answer, and is counted where it refused a row. */
export function outcomeOf(dataverse: Dataverse, { method }: Call, answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    countRejection(dataverse, method, error.status);
    return error;
  }
}

/** Counts a row that was refused for what it holds; throttling and missing rights are no refusal of the row. */
export function countRejection({ context }: Dataverse, method: string, status: number): void {
  const isWrite = method === 'POST' || method === 'PATCH' || method === 'PUT';
  if (isWrite && (status === 400 || status === 404 || status === 412)) {
    context.stats.add('dynamics', 'rejectedRows');
  }
}
