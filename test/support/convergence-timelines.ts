import fc from 'fast-check';
import { inject } from 'vitest';
import { timelineHistories, type TimelineHistory } from './convergence-timeline-events.js';
import { applyTo, beginTimelineWorld, endsOnTimelines, happen } from './convergence-timeline-world.js';
import { startStack } from './stack.js';
import { eventsDocument } from './timeline.js';

const CONTACTS = 16;

/**
 * Plays random histories of email events, each on systems of its own, until one does not end with every event on its contact's timeline
 * once, and tells that one with its seed. The seed is printed before, and CONVERGENCE_SEED plays the same histories again.
 */
export async function randomTimelinesConverge(
  numRuns: number,
  rounds: { minLength: number; maxLength: number },
): Promise<void> {
  const seed = Number(process.env.CONVERGENCE_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`random histories of email events: CONVERGENCE_SEED=${seed}\n`);
  await fc.assert(fc.asyncProperty(timelineHistories(rounds), timelineConverges), {
    seed,
    numRuns,
    endOnFailure: true,
    verbose: true,
  });
}

/** Plays one history on systems of its own. */
export async function timelineConverges(history: TimelineHistory): Promise<void> {
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: eventsDocument(history.source),
  });
  try {
    await stack.starter('provision');
    await stack.syncAll(['ingress/contact']);
    const world = beginTimelineWorld(stack, history, await stack.systems.contacts.ids());
    await applyTo(world);
    for (const event of history.events) await happen(world, event);
    await endsOnTimelines(world);
  } finally {
    await stack.stop();
  }
}
