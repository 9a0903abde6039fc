import type { z } from 'zod';
import { valueAt, type CrossFault, type Path } from './raw-file.js';

/** The schema's issues as faults a person can mend: what must stand there, and never what stands there. */
export function schemaFaults(issues: z.core.$ZodIssue[], file: unknown): CrossFault[] {
  return issues.flatMap((issue) => faultsOf(issue, issue.path as Path, file));
}

function faultsOf(issue: z.core.$ZodIssue, path: Path, file: unknown): CrossFault[] {
  const given = valueAt(file, path);
  const must = (what: string): CrossFault[] => [
    { path, message: given === undefined ? 'is missing' : `must be ${what}` },
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: 'unknown key' }));
    case 'invalid_union':
      return isEither(path) ? eitherFaults(issue, path, given, file) : must(issue.message);
    case 'invalid_type':
      return must(TYPES[issue.expected] ?? issue.expected);
    case 'invalid_value':
      return must(`${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`);
    case 'too_small':
      return must(issue.origin === 'array' ? 'a list that is not empty' : `at least ${issue.minimum}`);
    case 'too_big':
      return must(
        issue.origin === 'array' ? `a list of at most ${issue.maximum}` : `at most ${issue.maximum}`,
      );
    default:
      return must(issue.message);
  }
}

const TYPES: Record<string, string> = {
  object: 'a mapping of keys to values',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

const isEither = (path: Path): boolean => path.at(-2) === 'fields' || path.at(-2) === 'links';

/** A field is either a column or a constant, and so is a link: the alternative that the entry resembles tells what is wrong with it. */
function eitherFaults(
  { errors }: z.core.$ZodIssueInvalidUnion,
  path: Path,
  given: unknown,
  file: unknown,
): CrossFault[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [{ path, message: `must be ${TYPES.object}` }];
  }
  const [hasFrom, hasValue] = [Object.hasOwn(given, 'from'), Object.hasOwn(given, 'value')];
  if (hasFrom && hasValue) return [{ path, message: 'takes either from or value' }];
  const resembled = errors[hasValue ? 1 : 0] ?? [];
  return resembled.flatMap((issue) => faultsOf(issue, [...path, ...(issue.path as Path)], file));
}
