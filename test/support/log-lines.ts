import { logEvents } from '../../src/log-events.js';

export type LogLine = Record<string, unknown>;

/** What a worker has logged, line by line; a line that is no JSON object comes as `{ unreadable }`. */
export const logLinesOf = (text: string): LogLine[] =>
  text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [{ unreadable: line }];
    }
  });

/** What is wrong with a line: it holds what the catalogue says of its event, what every line has, and nothing else. */
export function faultsOf(line: LogLine): string[] {
  const { event, level, time, pid, hostname, ...given } = line;
  const entry = Object.entries(logEvents).find(([name]) => name === event)?.[1];
  if (!entry) return [`no event of the catalogue: ${JSON.stringify(line)}`];
  const fields: Record<string, string> = entry.fields;
  const isOf = (kind: string, value: unknown): boolean =>
    value === undefined ? kind.endsWith('?') : typeof value === (kind.startsWith('n') ? 'number' : 'string');
  return [
    ...(event === 'temporal' || level === entry.level ? [] : [`level ${String(level)}`]),
    ...(Number.isNaN(Date.parse(String(time))) ? [`time ${String(time)}`] : []),
    ...(typeof pid === 'number' && typeof hostname === 'string' ? [] : ['pid or hostname']),
    ...Object.entries(fields).flatMap(([name, kind]) => (isOf(kind, given[name]) ? [] : [`field ${name}`])),
    ...Object.keys(given).flatMap((name) => (name in fields ? [] : [`unlisted field ${name}`])),
  ].map((fault) => `${String(event)}: ${fault}`);
}
