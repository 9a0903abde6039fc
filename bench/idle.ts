import type { Product } from './product.js';
import type { Systems } from './systems.js';

export interface IdlePoll {
  dynamicsCalls: number;
  campaignCalls: number;
  actions: number;
  seconds: number;
}
export interface IdleMeasured {
  polls: IdlePoll[];
  /** The dearest of the polls, call by call. */
  worst: IdlePoll;
}

const POLLS = 5;

/** Polls by the schedule's tick while neither system has anything new. */
export async function measureIdle(
  systems: Systems,
  product: Product,
  say: (line: string) => void,
): Promise<IdleMeasured> {
  say(`idle: ${POLLS} polls with nothing to do`);
  const polls: IdlePoll[] = [];
  while (polls.length < POLLS) {
    await systems.resetStats();
    const { actions, seconds } = await product.tick();
    const { dynamics, campaign } = await systems.calls();
    polls.push({ dynamicsCalls: dynamics, campaignCalls: campaign, actions, seconds });
  }
  const worstOf = (figure: keyof IdlePoll): number => Math.max(...polls.map((poll) => poll[figure]));
  return {
    polls,
    worst: {
      dynamicsCalls: worstOf('dynamicsCalls'),
      campaignCalls: worstOf('campaignCalls'),
      actions: worstOf('actions'),
      seconds: worstOf('seconds'),
    },
  };
}
