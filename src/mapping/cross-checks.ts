import { textOf } from './convert.js';
import { linkFaults } from './link-checks.js';
import { listAt, memberOf, repeatedAt, textAt, type CrossFault, type Path } from './raw-file.js';
import { readDurationMs } from './names-schema.js';
import { OPT_OUT_RESOURCE, OPT_OUT_TABLE } from './opt-out-schema.js';

const SHORTEST_INTERVAL_MS = 10_000;

/**
 * What a schema cannot say: the rules between the parts of a file (DESIGN §6), all faults at once. It works on the file as
 * it was read, so that these faults are told together with the schema's; what is of a wrong type is left to those.
 */
export function crossChecks(file: unknown): CrossFault[] {
  const tables = listAt(file, 'tables');
  return [
    ...tables.flatMap((table, index) => tableFaults(table, ['tables', index])),
    ...mappedTwice(tables, 'dynamics'),
    ...mappedTwice(tables, 'campaign'),
    ...linkFaults(tables),
    ...intervalFaults(memberOf(file, 'events'), ['events']),
    ...intervalFaults(memberOf(file, 'optOut'), ['optOut']),
    ...optOutFaults(file, tables),
  ];
}

function tableFaults(table: unknown, at: Path): CrossFault[] {
  return [
    ...intervalFaults(table, at),
    ...targetFaults(table, at),
    ...replacementFaults(table, at),
    ...listAt(memberOf(table, 'filters'), 'where').flatMap((condition, index) => {
      const message = valueFault(textAt(condition, 'is'), memberOf(condition, 'value'));
      return message === undefined ? [] : [{ path: [...at, 'filters', 'where', index], message }];
    }),
  ];
}

function intervalFaults(table: unknown, at: Path): CrossFault[] {
  const everyMs = readDurationMs(textAt(table, 'every') ?? '');
  if (everyMs === undefined || everyMs >= SHORTEST_INTERVAL_MS) return [];
  return [{ path: [...at, 'every'], message: `must be at least ${SHORTEST_INTERVAL_MS / 1000}s` }];
}

/** Two values for one Campaign field, or for a field and a part of it, would overwrite each other. */
function targetFaults(table: unknown, at: Path): CrossFault[] {
  const targets = [
    { to: textAt(memberOf(table, 'key'), 'to'), path: [...at, 'key', 'to'] },
    ...listAt(table, 'fields').map((field, index) => ({
      to: textAt(field, 'to'),
      path: [...at, 'fields', index, 'to'],
    })),
    ...listAt(table, 'links').map((link, index) => ({
      to: textAt(link, 'to'),
      path: [...at, 'links', index, 'to'],
    })),
  ];
  /** Every target so far, and every object around one, with the target that made it so. */
  const taken = new Map<string, string>();
  return targets.flatMap(({ to, path }) => {
    if (to === undefined) return [];
    const around = outerPaths(to);
    const clash = taken.get(to) ?? around.find((outer) => taken.get(outer) === outer);
    for (const each of [...around, to]) if (!taken.has(each)) taken.set(each, to);
    if (clash === undefined) return [];
    return [{ path, message: `${to} is a target already${clash === to ? '' : ` (${clash})`}` }];
  });
}

/** `a`, `a.b` of `a.b.c`. */
const outerPaths = (path: string): string[] => {
  const names = path.split('.');
  return names.slice(1).map((_name, index) => names.slice(0, index + 1).join('.'));
};

function replacementFaults(table: unknown, at: Path): CrossFault[] {
  const replacements = listAt(table, 'replacements');
  const mapped = new Set(listAt(table, 'fields').map((field) => textAt(field, 'from')));
  const unmapped = replacements.flatMap((replacement, index) => {
    const field = textAt(replacement, 'field');
    if (field === undefined || mapped.has(field)) return [];
    return [
      { path: [...at, 'replacements', index, 'field'], message: `${field} is not mapped under fields` },
    ];
  });
  const replaced = replacements.map((replacement) => {
    const [field, from] = [textAt(replacement, 'field'), memberOf(replacement, 'from')];
    return field === undefined || typeof from === 'object' ? undefined : `${field} ${textOf(from)}`;
  });
  const twice = repeatedAt(replaced).map((index) => ({
    path: [...at, 'replacements', index, 'from'],
    message: 'this value is replaced already',
  }));
  return [...unmapped, ...twice];
}

function valueFault(is: string | undefined, value: unknown): string | undefined {
  if (is === undefined) return undefined;
  const isList = Array.isArray(value);
  switch (is) {
    case 'null':
    case 'not null':
      return value === undefined ? undefined : `"${is}" takes no value`;
    case 'in':
    case 'not in':
      return isList ? undefined : `"${is}" needs a list of values`;
    case 'between':
      return isList && value.length === 2 ? undefined : '"between" needs a list of two values';
    default:
      if (value === undefined) return `"${is}" needs a value`;
      return isList ? `"${is}" takes one value, not a list` : undefined;
  }
}

function mappedTwice(tables: unknown[], side: 'dynamics' | 'campaign'): CrossFault[] {
  const what = side === 'dynamics' ? 'Dynamics table' : 'Campaign resource';
  return repeatedAt(tables.map((table) => textAt(table, side))).map((index) => ({
    path: ['tables', index, side],
    message: `this ${what} is mapped already`,
  }));
}

/** A flag that is also a field would be overwritten by every change of its contact. */
function optOutFaults(file: unknown, tables: unknown[]): CrossFault[] {
  const flags = listAt(memberOf(file, 'optOut'), 'flags');
  const names = new Set(flags.map((flag) => textAt(flag, 'campaign')));
  const twice = (['dynamics', 'campaign'] as const).flatMap((side) =>
    repeatedAt(flags.map((flag) => textAt(flag, side))).map((index) => ({
      path: ['optOut', 'flags', index, side],
      message: 'this flag is mapped already',
    })),
  );
  const fields = tables.flatMap((table, tableIndex) => {
    if (textAt(table, 'dynamics') !== OPT_OUT_TABLE) return [];
    return listAt(table, 'fields').flatMap((field, index) => {
      const to = textAt(field, 'to');
      if (to === undefined || !names.has(to)) return [];
      return [
        {
          path: ['tables', tableIndex, 'fields', index, 'to'],
          message: `${to} is an opt-out flag, under optOut already`,
        },
      ];
    });
  });
  return [...twice, ...fields, ...optOutTableFaults(file, tables, flags.length)];
}

/** Opt-outs are told apart by the profiles that the contacts' mapping manages. */
function optOutTableFaults(file: unknown, tables: unknown[], flags: number): CrossFault[] {
  const direction = textAt(memberOf(file, 'optOut'), 'direction');
  if (direction === undefined || direction === 'disabled' || flags === 0) return [];
  const isMapped = tables.some(
    (table) => textAt(table, 'dynamics') === OPT_OUT_TABLE && textAt(table, 'campaign') === OPT_OUT_RESOURCE,
  );
  if (isMapped) return [];
  const message = `opt-outs need ${OPT_OUT_TABLE} to be mapped to ${OPT_OUT_RESOURCE} under tables`;
  return [{ path: ['optOut', 'direction'], message }];
}
