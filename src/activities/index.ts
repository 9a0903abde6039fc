import type { ActivityDependencies } from './dependencies.js';
import { createEgress } from './egress.js';
import { createIngress } from './ingress.js';
import { createInspect } from './inspect.js';
import { createOptOut } from './opt-out.js';

/** The activities of the worker, by the names that workflows call. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    ...createIngress(dependencies),
    ...createEgress(dependencies),
    ...createOptOut(dependencies),
    ...createInspect(dependencies),
  };
}
export type Activities = ReturnType<typeof createActivities>;
