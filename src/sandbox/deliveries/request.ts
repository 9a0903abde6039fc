import { z } from 'zod';
import { parseDuration } from '../duration.js';

const share = z.number().min(0).max(1);
const amount = z.number().int().min(0).max(1_000_000);

/** Body of `POST /_sandbox/deliveries` (CONTRACT, "Sandbox"). Shares are of the messages sent. */
export const DeliveryBody = z.strictObject({
  /** How many profiles it goes to: the first that have an email and may be contacted. */
  profiles: amount.default(0),
  opens: share.default(0),
  /** Who clicks has opened before. */
  clicks: share.default(0),
  /** Hard bounces, which come back after the message was taken as sent. */
  bounces: share.default(0),
  /** Passing failures, of the profiles: nothing was sent to these. */
  softBounces: share.default(0),
  /** Who unsubscribes has opened before, and is then on the denylist for email. */
  unsubscribes: share.default(0),
  /** Messages to test addresses beside the profiles: before the delivery, and with it. */
  proofs: amount.default(0),
  seeds: amount.default(0),
  /** Messages to recipients that no other system knows, beside the profiles. */
  withoutExternalId: amount.default(0),
  /** Tracked addresses in the content. */
  links: z.number().int().min(1).max(1000).default(3),
  delivery: z.string().min(1).max(64).optional(),
  campaign: z.string().min(1).max(64).optional(),
  label: z.string().max(128).optional(),
  /** How long ago the first message went out: everything has happened since. */
  over: z
    .string()
    .default('PT1H')
    .transform((text, check) => {
      const milliseconds = parseDuration(text) ?? 0;
      if (milliseconds < 60_000)
        check.addIssue({ code: 'custom', message: 'an ISO 8601 duration of a minute or more is expected' });
      return milliseconds;
    }),
  /** Another number makes other people open, click and bounce. */
  seed: amount.default(0),
});

export type DeliveryRequest = z.output<typeof DeliveryBody>;

/** What was made. `sends` to `softBounces` count the profiles' events; test addresses and strangers stand apart. */
export interface DeliveryReport {
  delivery: string;
  deliveryId: number;
  campaign: string;
  label: string;
  /** Profiles that it went to, soft bounces included. */
  profiles: number;
  sends: number;
  opens: number;
  clicks: number;
  bounces: number;
  softBounces: number;
  unsubscribes: number;
  proofs: number;
  seeds: number;
  withoutExternalId: number;
  /** Entries that came into the journal, and how many of them are duplicates. */
  journal: { entries: number; duplicates: number };
  /** Log files that were exported, as an SFTP client names them. */
  files: string[];
}

/** Body of `POST /_sandbox/journal`: entries with any JSON as their event, and the text that one next page is to be. */
export const JournalBody = z.strictObject({
  events: z.array(z.unknown()).default([]),
  raw: z.string().optional(),
});
