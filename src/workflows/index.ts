/** The one entry of the workflow bundle. */
export { egress } from './egress.js';
export { ingress } from './ingress.js';
export { inspect } from './inspect.js';
export { optOut } from './opt-out.js';
export { tick } from './tick.js';
