import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

interface Rule {
  /** What else of src/ this room may import: rooms, and files by their name without the ending. */
  mayImport: readonly string[];
  /** Of these it may import types only. */
  typesOf?: readonly string[];
  /** Packages it must not touch; `node:*` stands for all of Node's own modules. */
  refuses: readonly string[];
}

const temporal = '@temporalio/*';

/** The arrows of DESIGN §3. A room that is not listed here may import everything but the sandbox. */
export const rules: Readonly<Record<string, Rule>> = {
  http: { mayImport: ['errors'], refuses: [temporal, 'pg', 'kysely'] },
  dynamics: { mayImport: ['http', 'errors'], refuses: [temporal, 'pg', 'kysely'] },
  campaign: { mayImport: ['http', 'errors'], refuses: [temporal, 'pg', 'kysely'] },
  mapping: { mayImport: ['errors'], refuses: [temporal, 'axios', 'pg', 'kysely', 'node:fs', 'node:http'] },
  ledger: { mayImport: ['errors'], refuses: [temporal, 'axios', 'node:http'] },
  workflows: {
    mayImport: ['contracts', 'errors'],
    typesOf: ['activities'],
    refuses: ['zod', 'axios', 'pg', 'kysely', 'pino', 'node:*', '@temporalio/client', '@temporalio/worker'],
  },
  activities: {
    mayImport: [
      'http',
      'dynamics',
      'campaign',
      'mapping',
      'ledger',
      'contracts',
      'errors',
      'error-fields',
      'log-events',
    ],
    refuses: ['axios', 'pg', 'kysely', '@temporalio/client', '@temporalio/worker'],
  },
  metrics: {
    mayImport: ['activities', 'ledger', 'mapping', 'http', 'contracts', 'errors', 'health', 'in-time'],
    refuses: [temporal, 'axios', 'pg', 'kysely'],
  },
  'log-events': { mayImport: [], refuses: [temporal, 'node:*'] },
  sandbox: { mayImport: [], refuses: [temporal, 'axios', 'pg', 'kysely'] },
  contracts: { mayImport: ['inspect-contracts'], refuses: ['zod', 'node:*'] },
  'inspect-contracts': { mayImport: ['contracts'], refuses: ['zod', 'node:*'] },
  errors: { mayImport: [], refuses: ['zod', 'node:*'] },
};
/** Only these know that there is a sandbox. */
const knowTheSandbox = ['embedded', 'sandbox-settings'];

interface Import {
  specifier: string;
  typesOnly: boolean;
}

/** What `source`, standing at `path` below src/, imports against the rules; one sentence each. */
export function violations(path: string, source: string): string[] {
  const room = roomOf(path);
  const rule = rules[room];
  return importsOf(source).flatMap(({ specifier, typesOnly }) => {
    const fault = `${path} must not import ${specifier}`;
    if (!specifier.startsWith('.'))
      return rule?.refuses.some((pattern) => matches(pattern, specifier)) ? [fault] : [];
    const target = roomOf(normalize(join(dirname(path), specifier)));
    if (target === room) return [];
    if (!rule) return target === 'sandbox' && !knowTheSandbox.includes(room) ? [fault] : [];
    const allowed = rule.mayImport.includes(target) || (typesOnly && rule.typesOf?.includes(target));
    return allowed ? [] : [fault];
  });
}

/** Paths of the TypeScript files in one of the project's folders, relative to it. */
export function sourcesIn(folder: string): string[] {
  return readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .toSorted();
}

export function sourceOf(folder: string, path: string): string {
  return readFileSync(join(projectFolder, folder, path), 'utf8');
}

function importsOf(source: string): Import[] {
  const declarations = source.matchAll(
    /^\s*(?:import|export)\s(?<what>[^'";]*?from\s*)?['"](?<specifier>[^'"]+)['"]/gm,
  );
  const calls = source.matchAll(/\b(?:import|require)\(\s*['"](?<specifier>[^'"]+)['"]/g);
  return [...declarations, ...calls].map(({ groups }) => ({
    specifier: groups?.specifier ?? '',
    typesOnly: /^type\b/.test(groups?.what ?? ''),
  }));
}

/** The first folder below src/, or the file's own name at the top. */
function roomOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.(ts|js)$/, '');
}

function matches(pattern: string, specifier: string): boolean {
  if (pattern.endsWith('*')) return specifier.startsWith(pattern.slice(0, -1));
  return specifier === pattern || specifier.startsWith(`${pattern}/`);
}
