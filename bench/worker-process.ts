import { main } from '../src/worker.js';
import { answerParent, leaveParent } from './parent-channel.js';
import { createUsageMeter } from './usage.js';

/** The product's worker, unchanged, in a process that can say what it has used. */
const meter = createUsageMeter();
answerParent({ begin: () => meter.begin(), usage: () => meter.end() });
await main([], process.env);
leaveParent();
