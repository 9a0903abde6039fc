import { patched, sleep } from '@temporalio/workflow';
import type { IngressInput, IngressResult } from '../../src/contracts.js';
import { ingress as today } from '../../src/workflows/ingress.js';

export { egress } from '../../src/workflows/egress.js';
export { inspect } from '../../src/workflows/inspect.js';
export { optOut } from '../../src/workflows/opt-out.js';
export { tick } from '../../src/workflows/tick.js';

/** As a next version may look: with a step that running histories do not have, and therefore under `patched`. */
export async function ingress(input: IngressInput): Promise<IngressResult> {
  if (patched('waits-a-moment-first')) await sleep(1);
  return today(input);
}
