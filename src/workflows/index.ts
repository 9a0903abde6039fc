/** The one entry of the workflow bundle. */
export { egress } from './egress.js';
export { ingress } from './ingress.js';
export { inspect } from './inspect.js';
export { tick } from './tick.js';
