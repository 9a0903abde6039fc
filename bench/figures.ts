import type { ChangesMeasured } from './changes.js';
import type { EventsMeasured } from './events.js';
import type { FirstLoadMeasured } from './first-load.js';
import type { IdleMeasured } from './idle.js';
import type { OptOutsMeasured } from './opt-outs.js';

/** One line of the result: what was measured and, where DESIGN §12 sets one, its target. */
export interface Figure {
  measurement: Measurement;
  figure: string;
  value: number;
  unit?: string;
  target?: string;
  met?: boolean;
}
export const measurements = ['first-load', 'changes', 'idle', 'events', 'opt-out'] as const;
export type Measurement = (typeof measurements)[number];

export interface Conditions {
  latencyMs: number;
  concurrency: number;
}

/** Below this share of C/L for the loop, the machine is the limit and not C and L: then the ratio to it says little. */
const SOUND_YARDSTICK = 0.9;
/** Below this size the two pages that are in memory at once are much of the whole. */
const SMALLEST_FOR_MEMORY = 5_000;
/** DESIGN §12. */
const FULL_EVENTS = 141_500;

/** Of a first load at two sizes; the ratios are those of the larger. */
export function firstLoadFigures(
  small: FirstLoadMeasured,
  full: FirstLoadMeasured,
  { latencyMs, concurrency }: Conditions,
): Figure[] {
  const { loop, product, contacts } = full;
  const rowsPerSecond = contacts / product.seconds;
  const loopRowsPerSecond = loop.rows / loop.seconds;
  const ceiling = latencyMs > 0 ? (concurrency * 1000) / latencyMs : undefined;
  const ratio = rowsPerSecond / loopRowsPerSecond;
  const isSound = ceiling !== undefined && loopRowsPerSecond / ceiling >= SOUND_YARDSTICK;
  const cpuRatio = product.usage.cpuMs / loop.usage.cpuMs;
  return inMeasurement('first-load', [
    { figure: 'rows a second', value: rowsPerSecond },
    { figure: 'rows a second of the bare axios loop', value: loopRowsPerSecond },
    {
      figure: 'ratio to the loop',
      value: ratio,
      target: '≥ 0.95',
      ...(isSound && { met: ratio >= 0.95 }),
    },
    ...(ceiling === undefined
      ? []
      : [
          { figure: 'ratio to C/L', value: rowsPerSecond / ceiling },
          { figure: 'ratio of the loop to C/L', value: loopRowsPerSecond / ceiling },
        ]),
    { figure: 'processor time per row, worker', value: product.usage.cpuMs / contacts, unit: 'ms' },
    { figure: 'processor time per row, loop', value: loop.usage.cpuMs / contacts, unit: 'ms' },
    { figure: 'processor time, ratio to the loop', value: cpuRatio, target: '≤ 1.5', met: cpuRatio <= 1.5 },
    ...memoryFigures('peak RSS', small, full, ({ usage }) => usage.peakRssBytes),
    ...memoryFigures('peak JS heap', small, full, ({ usage }) => usage.peakHeapBytes),
    ...memoryFigures('live JS heap after it', small, full, ({ usage }) => usage.liveHeapBytes),
    { figure: 'Temporal actions per 1,000 rows', value: (product.actions * 1000) / contacts },
    { figure: 'Dynamics calls', value: product.dynamicsCalls },
    { figure: 'Campaign calls', value: product.campaignCalls },
  ]);
}

function memoryFigures(
  name: string,
  small: FirstLoadMeasured,
  full: FirstLoadMeasured,
  bytesOf: (product: FirstLoadMeasured['product']) => number,
): Omit<Figure, 'measurement'>[] {
  const atSmall = bytesOf(small.product);
  const atFull = bytesOf(full.product);
  const ratio = atFull / atSmall;
  return [
    { figure: `${name} at ${small.contacts} contacts`, value: atSmall / 2 ** 20, unit: 'MiB' },
    { figure: `${name} at ${full.contacts} contacts`, value: atFull / 2 ** 20, unit: 'MiB' },
    {
      figure: `${name}, growth`,
      value: ratio,
      target: '≤ 1.1',
      ...(small.contacts >= SMALLEST_FOR_MEMORY && { met: ratio <= 1.1 }),
    },
  ];
}

export function changesFigures({
  touched,
  changed,
  product,
  callsPerChangedRow,
  comparing,
}: ChangesMeasured): Figure[] {
  return inMeasurement('changes', [
    { figure: 'rows touched', value: touched },
    { figure: 'rows changed', value: changed },
    { figure: 'rows read', value: product.counts.read },
    { figure: 'Campaign calls', value: product.campaignCalls },
    {
      figure: 'Campaign calls per changed row',
      value: callsPerChangedRow,
      target: 'exactly 1',
      met: callsPerChangedRow === 1,
    },
    { figure: 'Dynamics calls', value: product.dynamicsCalls },
    { figure: 'rows a second', value: touched / product.seconds },
    { figure: 'processor time per row', value: product.usage.cpuMs / touched, unit: 'ms' },
    { figure: 'peak RSS', value: product.usage.peakRssBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'peak JS heap', value: product.usage.peakHeapBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'Temporal actions per 1,000 rows', value: (product.actions * 1000) / touched },
    {
      figure: 'Campaign calls of a comparing read',
      value: comparing.campaignCalls,
      target: '0',
      met: comparing.campaignCalls === 0,
    },
    { figure: 'rows a second of a comparing read', value: touched / comparing.seconds },
    { figure: 'peak RSS of a comparing read', value: comparing.usage.peakRssBytes / 2 ** 20, unit: 'MiB' },
  ]);
}

/** The target is for 141,500 events; a smaller number lives on one window of service protection and says little about time. */
export function eventsFigures({ events, product }: EventsMeasured): Figure[] {
  const throttledShare = product.throttled / product.dynamicsCalls;
  const isFull = events >= FULL_EVENTS;
  return inMeasurement('events', [
    { figure: 'events', value: events },
    { figure: 'events written', value: product.counts.written },
    {
      figure: 'time',
      value: product.seconds,
      unit: 's',
      target: `≤ 600 for ${FULL_EVENTS}`,
      ...(isFull && { met: product.seconds <= 600 }),
    },
    { figure: 'events a second', value: events / product.seconds },
    { figure: 'Dynamics calls', value: product.dynamicsCalls },
    {
      figure: 'calls throttled',
      value: throttledShare * 100,
      unit: '%',
      target: '< 1',
      met: throttledShare < 0.01,
    },
    { figure: 'processor time per event', value: product.usage.cpuMs / events, unit: 'ms' },
    { figure: 'peak RSS', value: product.usage.peakRssBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'live JS heap after it', value: product.usage.liveHeapBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'Temporal actions per 1,000 events', value: (product.actions * 1000) / events },
  ]);
}

/** A look at Campaign for its own changes goes with every sync of opt-outs; the rest is one call for each. */
export function optOutFigures({ flags, product, comparing, loop }: OptOutsMeasured): Figure[] {
  const perSecond = flags / product.seconds;
  const loopPerSecond = loop.rows / loop.seconds;
  return inMeasurement('opt-out', [
    { figure: 'opt-outs', value: flags },
    { figure: 'opt-outs a second', value: perSecond },
    { figure: 'profiles a second of the bare axios loop', value: loopPerSecond },
    { figure: 'ratio to the loop', value: perSecond / loopPerSecond },
    { figure: 'Campaign calls', value: product.campaignCalls },
    { figure: 'Campaign calls per opt-out', value: product.campaignCalls / flags },
    { figure: 'Dynamics calls', value: product.dynamicsCalls },
    {
      figure: 'processor time, ratio to the loop',
      value: product.usage.cpuMs / flags / (loop.usage.cpuMs / loop.rows),
    },
    { figure: 'peak RSS', value: product.usage.peakRssBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'live JS heap after it', value: product.usage.liveHeapBytes / 2 ** 20, unit: 'MiB' },
    { figure: 'Temporal actions per 1,000 opt-outs', value: (product.actions * 1000) / flags },
    { figure: 'contacts a second of a comparison of all', value: comparing.counts.read / comparing.seconds },
    { figure: 'Campaign calls of a comparison of all', value: comparing.campaignCalls },
    { figure: 'Dynamics calls of a comparison of all', value: comparing.dynamicsCalls },
  ]);
}

/** Each the dearest of the polls. */
export function idleFigures({ worst: { dynamicsCalls, campaignCalls, actions, seconds } }: IdleMeasured) {
  return inMeasurement('idle', [
    { figure: 'Dynamics calls per poll', value: dynamicsCalls, target: '1', met: dynamicsCalls === 1 },
    { figure: 'Campaign calls per poll', value: campaignCalls, target: '0', met: campaignCalls === 0 },
    { figure: 'Temporal actions per poll', value: actions, target: '≤ 8', met: actions <= 8 },
    { figure: 'time per poll', value: seconds, unit: 's' },
  ]);
}

const inMeasurement = (measurement: Measurement, figures: Omit<Figure, 'measurement'>[]): Figure[] =>
  figures.map((figure) => ({ measurement, ...figure }));
