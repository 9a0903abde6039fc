import type { Locale } from '../locale.js';
import { ASIA } from './asia.js';
import { EASTERN_EUROPE } from './eastern-europe.js';
import { ENGLISH } from './english.js';
import { MIDDLE_EAST } from './middle-east.js';
import { NORTHERN_EUROPE } from './northern-europe.js';
import { WESTERN_EUROPE } from './western-europe.js';

export const LOCALES: readonly Locale[] = [
  ...ENGLISH,
  ...WESTERN_EUROPE,
  ...NORTHERN_EUROPE,
  ...EASTERN_EUROPE,
  ...MIDDLE_EAST,
  ...ASIA,
];
