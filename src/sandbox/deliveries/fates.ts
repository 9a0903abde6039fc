import { HARD_REASONS, SOFT_REASONS } from './failure-reasons.js';
import type { DeliveryRequest } from './request.js';
import { pick, type Random } from '../seed/random.js';

/** What becomes of one message; times are milliseconds since 1970, in whole seconds. */
export interface Fate {
  sentMs: number;
  failure?: { type: 'soft' | 'hard'; reason: number; atMs: number };
  openMs?: number;
  /** A click on the delivery's link of that place. */
  click?: { atMs: number; link: number };
  unsubscribeMs?: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Messages a second, once the first minute is over. */
const SENDS_PER_SECOND = 200;

/**
 * Draws what becomes of `messages` messages, in the order of sending: exactly the shares asked for, rounded, of those
 * sent. Who bounces does not open; who clicks or unsubscribes has opened before. Everything is over before `endMs`.
 */
export function drawFates(
  random: Random,
  messages: number,
  asked: Pick<
    DeliveryRequest,
    'opens' | 'clicks' | 'bounces' | 'softBounces' | 'unsubscribes' | 'links' | 'over'
  >,
  endMs: number,
): Fate[] {
  const startMs = wholeSecond(endMs - asked.over);
  const sendingMs = Math.min(asked.over / 4, Math.max(MINUTE_MS, (messages / SENDS_PER_SECOND) * SECOND_MS));
  const fates = Array.from({ length: messages }, (_, place): Fate => ({
    sentMs: wholeSecond(startMs + (place / messages) * sendingMs),
  }));
  const drawn = shuffled(random, messages);
  const soft = Math.round(asked.softBounces * messages);
  const sent = messages - soft;
  const hard = Math.round(asked.bounces * sent);
  const mayOpen = drawn.slice(soft + hard);
  const clicks = Math.min(mayOpen.length, Math.round(asked.clicks * sent));
  const unsubscribes = Math.min(mayOpen.length, Math.round(asked.unsubscribes * sent));
  const opens = Math.min(mayOpen.length, Math.max(Math.round(asked.opens * sent), clicks, unsubscribes));

  for (const [rank, place] of drawn.slice(0, soft + hard).entries()) {
    const fate = fates[place] as Fate;
    fate.failure =
      rank < soft
        ? { type: 'soft', reason: pick(random, SOFT_REASONS), atMs: fate.sentMs }
        : {
            type: 'hard',
            reason: pick(random, HARD_REASONS),
            atMs: between(random, fate.sentMs + 10 * SECOND_MS, endMs),
          };
  }
  for (const [rank, place] of mayOpen.slice(0, opens).entries()) {
    const fate = fates[place] as Fate;
    const openMs = soonAfter(random, fate.sentMs + 5 * SECOND_MS, endMs - 10 * SECOND_MS);
    fate.openMs = openMs;
    if (rank < clicks) {
      const atMs = Math.min(wholeSecond(endMs), openMs + SECOND_MS * (1 + Math.floor(random() * 240)));
      fate.click = { atMs, link: Math.floor(random() * asked.links) };
    }
    // From the other end, so that few do both.
    if (rank >= opens - unsubscribes) fate.unsubscribeMs = between(random, openMs + SECOND_MS, endMs);
  }
  return fates;
}

const wholeSecond = (milliseconds: number): number => Math.floor(milliseconds / SECOND_MS) * SECOND_MS;

const between = (random: Random, fromMs: number, toMs: number): number =>
  wholeSecond(Math.max(fromMs, fromMs + random() * (toMs - fromMs)));

/** Most soon, some late. */
const soonAfter = (random: Random, fromMs: number, toMs: number): number =>
  wholeSecond(fromMs + random() ** 3 * Math.max(0, toMs - fromMs));

function shuffled(random: Random, amount: number): number[] {
  const places = Array.from({ length: amount }, (_, place) => place);
  for (let place = amount - 1; place > 0; place -= 1) {
    const other = Math.floor(random() * (place + 1));
    [places[place], places[other]] = [places[other] as number, places[place] as number];
  }
  return places;
}
