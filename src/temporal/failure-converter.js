import { DefaultFailureConverter } from '@temporalio/common';

// Plain JavaScript, since Temporal's SDK loads it by its path: with Node's own `require`, and into the workflow bundle.

/** Puts messages and stack traces of failures into payloads, where the codec encrypts them. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
