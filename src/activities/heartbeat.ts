import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 3_000;

/** Tells Temporal, for as long as the work goes on, that this worker lives. */
export async function whileBeating<Result>(work: () => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const heartbeats = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeats);
  }
}
