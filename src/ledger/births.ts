import { sql, type Transaction } from 'kysely';
import { agree, callAgain, note } from './consent.js';
import type { Decided } from './outcomes.js';

/**
 * Records with what opt-out flags contacts came to Campaign, in the transaction that makes them ours, and makes them due: both sides are
 * looked at once more, for either may have changed meanwhile (DESIGN §9, "creation"). Of a record that an earlier call may have made, or
 * that was there before, nothing is agreed on any more.
 */
export async function noteBirths(
  transaction: Transaction<unknown>,
  rows: Decided[],
  became: string[],
  runId: string,
): Promise<void> {
  const born = rows.flatMap(({ sourceId, sourceVersion, bornWith }) =>
    typeof bornWith === 'object' ? [{ sourceId, sourceVersion, bornWith }] : [],
  );
  const known = new Set(born.map(({ sourceId }) => sourceId));
  const doubtful = rows.filter(({ bornWith }) => bornWith === 'unknown').map(({ sourceId }) => sourceId);
  const unknown = [...new Set([...doubtful, ...became])].filter((id) => !known.has(id)).sort();
  const due = [...known, ...unknown];
  if (due.length === 0) return;
  if (unknown.length > 0) {
    await sql`delete from ledger.agreement where contact_id = any(${unknown}::text[])`.execute(transaction);
  }
  const flags = born.flatMap(({ sourceId, sourceVersion, bornWith: { at, flags: sent } }) =>
    sent.map(({ flag, optedOut, dynamics }) => ({
      contactId: sourceId,
      flag,
      optedOut,
      dynamics,
      ...(at !== undefined && { campaignStamp: at }),
      ...(sourceVersion !== undefined && { rowVersion: sourceVersion }),
    })),
  );
  const inOrder = flags.toSorted((one, other) =>
    `${one.contactId}/${one.flag}` < `${other.contactId}/${other.flag}` ? -1 : 1,
  );
  await agree(transaction, inOrder);
  await note(
    transaction,
    inOrder
      .filter(({ optedOut }) => optedOut)
      .map(({ contactId, flag, dynamics, campaignStamp }) => ({
        contactId,
        flag,
        dynamics,
        ...(campaignStamp !== undefined && { campaignAt: campaignStamp }),
        agreedAfter: true,
        rule: 'creation',
        winner: dynamics ? 'dynamics' : 'none',
        because: dynamics ? 'created opted out' : 'created opted out, as was agreed before',
        result: 'accepted',
      })),
    runId,
  );
  await callAgain(
    transaction,
    due.map((contactId) => ({ contactId })),
  );
}
