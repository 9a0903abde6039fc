import { everyMsOf, type SyncConfig, type TableMapping } from './schema.js';

export interface CrossFault {
  path: (string | number)[];
  message: string;
}

const SHORTEST_INTERVAL_MS = 5_000;

/** What a schema cannot say: rules between the parts of a file (DESIGN §6). All faults at once. */
export function crossChecks(config: SyncConfig): CrossFault[] {
  return [
    ...config.tables.flatMap((table, index) => tableFaults(table, index)),
    ...repeated(config.tables.map((table) => table.dynamics)).map((index) => ({
      path: ['tables', index, 'dynamics'],
      message: 'this Dynamics table is mapped already',
    })),
    ...repeated(config.tables.map((table) => table.campaign)).map((index) => ({
      path: ['tables', index, 'campaign'],
      message: 'this Campaign resource is mapped already',
    })),
    ...linkFaults(config),
    ...optOutFaults(config),
  ];
}

function tableFaults(table: TableMapping, index: number): CrossFault[] {
  const faults: CrossFault[] = [];
  if (everyMsOf(table) < SHORTEST_INTERVAL_MS) {
    faults.push({
      path: ['tables', index, 'every'],
      message: `must be at least ${SHORTEST_INTERVAL_MS / 1000}s`,
    });
  }
  const targets: { to: string; path: (string | number)[] }[] = [
    { to: table.key.to, path: ['tables', index, 'key', 'to'] },
    ...table.fields.map(({ to }, field) => ({ to, path: ['tables', index, 'fields', field, 'to'] })),
    ...table.links.map(({ to }, link) => ({ to, path: ['tables', index, 'links', link, 'to'] })),
  ];
  targets.forEach(({ to, path }, position) => {
    const clash = targets
      .slice(0, position)
      .find((other) => other.to === to || isWithin(to, other.to) || isWithin(other.to, to));
    if (clash)
      faults.push({ path, message: `${to} is a target already${clash.to === to ? '' : ` (${clash.to})`}` });
  });
  table.filters?.where.forEach(({ is, value }, condition) => {
    const message = valueFault(is, value);
    if (message) faults.push({ path: ['tables', index, 'filters', 'where', condition], message });
  });
  return faults;
}

function valueFault(is: string, value: unknown): string | undefined {
  const isList = Array.isArray(value);
  if (is === 'null' || is === 'not null') return value === undefined ? undefined : `"${is}" takes no value`;
  if (value === undefined) return `"${is}" needs a value`;
  if (is === 'in' || is === 'not in')
    return isList && value.length > 0 ? undefined : `"${is}" needs a list of values`;
  if (is === 'between')
    return isList && value.length === 2 ? undefined : '"between" needs a list of two values';
  return isList ? `"${is}" takes one value, not a list` : undefined;
}

function linkFaults({ tables }: SyncConfig): CrossFault[] {
  const faults: CrossFault[] = [];
  const mapped = new Set(tables.map((table) => table.dynamics));
  tables.forEach((table, index) => {
    table.links.forEach((link, position) => {
      const path = ['tables', index, 'links', position, 'table'];
      if (!mapped.has(link.table)) faults.push({ path, message: `${link.table} is not mapped` });
      const cycle = pathBetween(link.table, table.dynamics, tables);
      if (cycle)
        faults.push({ path, message: `links form a cycle: ${[table.dynamics, ...cycle].join(' → ')}` });
    });
  });
  return faults;
}

/** The way along links from one table to another, both ends included; undefined when there is none. */
function pathBetween(from: string, to: string, tables: TableMapping[]): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
  const queue = [from];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (name === to) {
      const way: string[] = [];
      for (let step: string | undefined = to; step !== undefined; step = cameFrom.get(step))
        way.unshift(step);
      return way;
    }
    for (const { table } of tables.find((candidate) => candidate.dynamics === name)?.links ?? []) {
      if (cameFrom.has(table)) continue;
      cameFrom.set(table, name);
      queue.push(table);
    }
  }
  return undefined;
}

function optOutFaults({ tables, optOut }: SyncConfig): CrossFault[] {
  if (!optOut || optOut.direction === 'disabled') return [];
  const faults: CrossFault[] = [];
  const flags = new Set<string>(optOut.flags.map((flag) => flag.campaign));
  tables.forEach((table, index) => {
    if (table.dynamics !== 'contact') return;
    table.fields.forEach(({ to }, field) => {
      if (flags.has(to))
        faults.push({
          path: ['tables', index, 'fields', field, 'to'],
          message: `${to} is an opt-out flag, under optOut already`,
        });
    });
  });
  for (const index of repeated(optOut.flags.map((flag) => flag.campaign))) {
    faults.push({ path: ['optOut', 'flags', index, 'campaign'], message: 'this flag is mapped already' });
  }
  return faults;
}

/** Positions of values that stood before. */
const repeated = (values: string[]): number[] =>
  values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []));
const isWithin = (path: string, outer: string): boolean => path.startsWith(`${outer}.`);
