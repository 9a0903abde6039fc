/** The contract of store.ts, kept by both backends. */
import { afterAll } from 'vitest';
import { closeBackends } from './backends.js';
import './ledger.suite.js';
import './feeds.suite.js';
import './outcomes.suite.js';
import './parked.suite.js';
import './survey.suite.js';
import './sweep.suite.js';
import './held.suite.js';
import './links.suite.js';
import './events.suite.js';
import './consent.suite.js';
import './runs.suite.js';
import './stories.suite.js';
import './full-disk.suite.js';
import './random.suite.js';

afterAll(closeBackends);
