import type { Failure } from './logs.js';

interface Reason {
  /** Name in the events (campaign.md §6). */
  name: string;
  message: string;
}

/** By `failureReason` (campaign.md §5). */
const REASONS: Record<number, Reason> = {
  1: { name: 'unknown_user', message: '550 5.1.1 The email account that you tried to reach does not exist.' },
  2: { name: 'invalid_domain', message: '512 5.1.2 Bad destination system address.' },
  3: { name: 'unreachable', message: '421 4.4.1 Connection timed out.' },
  4: { name: 'disabled', message: '550 5.2.1 The email account that you tried to reach is disabled.' },
  5: { name: 'mailbox_full', message: '452 4.2.2 The recipient’s inbox is out of storage space.' },
  20: { name: 'refused', message: '554 5.7.1 Message refused by policy.' },
};

/** Most hard bounces are addresses that do not exist. */
export const HARD_REASONS = [1, 1, 1, 1, 4, 20];
export const SOFT_REASONS = [5, 5, 2, 3];

export const reasonOf = ({ reason }: Failure): Reason =>
  REASONS[reason] ?? { name: 'undefined', message: 'Not defined' };
