import type { CheckArea, Finding } from '../contracts.js';
import { catalogue, SyncError, type ErrorCode } from '../errors.js';

/** What a finding is about. */
export interface About {
  area: CheckArea;
  subject: string;
}

export const fine = (about: About, found: string): Finding => ({ severity: 'ok', ...about, found });

export const warning = (about: About, found: string, next: string, code?: ErrorCode): Finding => ({
  severity: 'warning',
  ...about,
  found,
  next,
  ...(code && { code }),
});

export const fault = (about: About, found: string, next: string, code?: ErrorCode): Finding => ({
  severity: 'error',
  ...about,
  found,
  next,
  ...(code && { code }),
});

/** A code of the catalogue as a finding: what it means and what to do. */
export function faultOf(about: About, code: ErrorCode, evidence = ''): Finding {
  const { message, next } = catalogue[code];
  return fault(about, evidence === '' ? message : `${message} (${evidence})`, next, code);
}

/** The findings of one look at a system; what the system refuses is a finding too, so that it hides no other. */
export async function looked(about: About, look: () => Promise<Finding[]>): Promise<Finding[]> {
  const seen = await seenOrFault(about, look);
  return 'value' in seen ? seen.value : [seen.fault];
}

/** What a look has seen, or what kept it from seeing. */
export async function seenOrFault<T>(
  about: About,
  look: () => Promise<T>,
): Promise<{ value: T } | { fault: Finding }> {
  try {
    return { value: await look() };
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { subject, field, vendorCode, status } = error.evidence;
    const evidence = [subject, field && `field ${field}`, vendorCode, status && `HTTP ${status}`];
    return { fault: faultOf(about, error.code, evidence.filter(Boolean).join(', ')) };
  }
}

/** Several names in one sentence. */
export const listed = (names: Iterable<string>): string => [...names].join(', ');
