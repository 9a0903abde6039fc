import { badRequest } from '../errors.js';

/** What a delta token stands for: everything up to a row version, known at a time. */
export interface DeltaToken {
  version: number;
  /** Milliseconds since 1970. */
  atMs: number;
}

/** `<row version>!<MM/dd/yyyy HH:mm:ss>` (dataverse.md §3). */
export function writeDeltaToken({ version, atMs }: DeltaToken): string {
  const [year, month, day, time] = new Date(atMs).toISOString().split(/[-T.]/) as [
    string,
    string,
    string,
    string,
  ];
  return `${version}!${month}/${day}/${year} ${time}`;
}

/** Reads a decoded token; a 400 for anything else. */
export function readDeltaToken(text: string): DeltaToken {
  const match = /^(\d+)!(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/.exec(text.trim());
  const [, version, month, day, year, time] = match ?? [];
  const atMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
  if (!match || Number.isNaN(atMs)) throw badRequest(`The delta token '${text}' is not in a valid format.`);
  return { version: Number(version), atMs };
}
