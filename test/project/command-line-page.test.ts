import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { starterProgram } from '../../src/starter.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript } from '../support/npm-start.js';
import { defineParcels, parcelsMapping } from '../support/parcels.js';
import { startStack, type Stack } from '../support/stack.js';
import { referenceSections, rowsOf } from './reference-pages.js';

interface CommandOption {
  /** As the command line takes it, e.g. `--limit <n>`. */
  flags: string;
  /** Absent for a switch, and for an option without a default. */
  default?: string;
}

const sections = referenceSections('command-line.md');
const starter = starterProgram(() => {}, {});
const none = { invented: [], left: [] };
const common = ['--data <dir>', '--json'];

test('command-line.md has every command of the starter, with its arguments, and no other', () => {
  const written = sections.flatMap(({ heading }) => /^`([a-z]+(?: [<[].*)?)`$/.exec(heading)?.[1] ?? []);
  const usages = starter.commands.map((command) =>
    [
      command.name(),
      ...command.registeredArguments.map((argument) => {
        const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
        return argument.required ? `<${name}>` : `[${name}]`;
      }),
    ].join(' '),
  );
  expect(written.toSorted()).toEqual(usages.toSorted());
});

test.each(starter.commands.map((command) => command.name()))('it has every option of %s', (name) => {
  const command = starter.commands.find((each) => each.name() === name);
  const all = (command?.options ?? []).map(({ flags, defaultValue }): CommandOption => ({
    flags,
    ...(['string', 'number'].includes(typeof defaultValue) && { default: String(defaultValue) }),
  }));
  const own = all.filter(({ flags }) => !common.includes(flags));
  const shared = all.filter(({ flags }) => common.includes(flags));
  expect(written(sectionOf(name), own)).toEqual(own.toSorted(byFlags));
  expect(written(sectionOf('npm run starter'), shared)).toEqual(shared.toSorted(byFlags));
});

test.each([
  ['start', 'npm start'],
  ['sandbox', 'npm run sandbox'],
  ['bench', 'npm run bench'],
])('it has every option of npm run %s', async (script, heading) => {
  const { stdout, status } = await npmScript(script, ['--help'], { SYNC_CONFIG: '', SYNC_DATA: '.data' })
    .finished;
  expect(status).toBe(0);
  const options = optionsOfHelp(stdout);
  expect(options.length).toBeGreaterThan(0);
  expect(written(sectionOf(heading), options)).toEqual(options.toSorted(byFlags));
});

describe('the documents that it shows', () => {
  let stack: Stack;
  let orphan = '';
  const candidate = (): string => join(stack.folder, 'candidate.yaml');
  const mapping =
    exampleDocument.replace('share: 10%, atLeast: 50', 'share: 0%, atLeast: 0') + parcelsMapping;

  /** A pair with what an answer can tell: rows set aside by time and for a parent, a change, a held deletion. */
  beforeAll(async () => {
    stack = await startStack({ temporalAddress: inject('temporalAddress'), contacts: 10, document: mapping });
    await defineParcels(stack.systems);
    const late = await stack.systems.contacts.create({ lastname: 'Late', firstname: 'x'.repeat(40) });
    const gone = await stack.systems.contacts.create({ lastname: 'Gone' });
    orphan = await stack.systems.rows.create('new_parcels', {
      new_name: 'early',
      'new_ContactId@odata.bind': `/contacts(${late})`,
    });
    await stack.syncAll();
    await writeFile(candidate(), mapping.replace('      - { from: fax, to: fax }\n', ''));
    await stack.systems.contacts.remove(gone);
    await stack.syncAll();
    // Any but the one whose deletion is held: its contact is gone.
    const sent = (await stack.systems.profiles.all()).find(({ externalId }) => externalId !== gone);
    await stack.systems.contacts.update(sent?.externalId ?? '', { telephone1: '+1 206 555 0100' });
  }, 60_000);
  afterAll(() => stack.stop(), 60_000);

  test.each([
    ['apply', () => ['apply', '--config', join(stack.folder, 'sync.yaml')]],
    ['check', () => ['check']],
    ['plan', () => ['plan', 'contact', '--config', candidate()]],
    ['status', () => ['status']],
    ['parked', () => ['parked']],
    ['deletions', () => ['deletions', 'show', 'contact']],
    ['explain', () => ['explain', orphan]],
    ['redrive', () => ['redrive', '--code', 'TEXT_TOO_LONG']],
    ['resync', () => ['resync', 'contact']],
    ['pause', () => ['pause', 'ingress/new_item']],
    ['resume', () => ['resume', 'ingress/new_item']],
  ] as const)(
    '%s answers as shown',
    async (name, argv) => {
      const { out, error } = await stack.starter(...argv(), '--json');
      expect(error).toBe('');
      expect(differences(documentOf(sectionOf(name)), JSON.parse(out))).toEqual(none);
    },
    60_000,
  );

  test('the sandbox is ready as shown', () => {
    expect(differences(documentOf(sectionOf('npm run sandbox')), stack.sandbox.ready)).toEqual(none);
  });
});

/** The section of a command, which may have arguments in its heading. */
function sectionOf(command: string): string {
  const found = sections.find(
    ({ heading }) => heading.replaceAll('`', '').replace(/ [<[].*/, '') === command,
  );
  if (!found) throw new Error(`command-line.md has no section ${command}`);
  return found.text;
}

function optionsOf(text: string): CommandOption[] {
  return rowsOf(text).flatMap(({ name, cells }) => {
    const value = /^`(.*)`$/.exec(cells[0] ?? '')?.[1];
    return name.startsWith('--') ? [{ flags: name, ...(value !== undefined && { default: value }) }] : [];
  });
}

/** What the page says of options, in their order. Where the code has no default, the page may tell what takes its place. */
function written(text: string, options: CommandOption[]): CommandOption[] {
  const known = new Map(options.map((option) => [option.flags, option.default]));
  return optionsOf(text)
    .map((option) => (known.get(option.flags) === undefined ? { flags: option.flags } : option))
    .toSorted(byFlags);
}

const byFlags = (one: CommandOption, other: CommandOption): number => one.flags.localeCompare(other.flags);

/** Reads commander's help, whose lines are broken at 80 columns and indented where they go on. */
function optionsOfHelp(help: string): CommandOption[] {
  const text = help.slice(help.indexOf('\nOptions:')).replace(/\n {3,}(?=\S)/g, ' ');
  return [...text.matchAll(/^ {2}(--[\w-]+(?: <\w+>)?) +.*$/gm)].map(([line, flags = '']) => {
    const value = /\(default: "?([^")]+)"?\)/.exec(line)?.[1];
    return { flags, ...(value !== undefined && value !== 'false' && { default: value }) };
  });
}

function documentOf(text: string): unknown {
  const written = /```json\n([\s\S]*?)```/.exec(text)?.[1];
  if (written === undefined) throw new Error('no document is shown');
  return JSON.parse(written);
}

/** Members that are shown and not answered, and top-level members that are answered and not shown. */
function differences(shown: unknown, answered: unknown): { invented: string[]; left: string[] } {
  const known = new Set(paths(answered));
  return {
    invented: paths(shown).filter((path) => !known.has(path) && !NAMES.test(path)),
    left: Object.keys(Object(answered)).filter((key) => !(key in Object(shown))),
  };
}

/** Members that are called by codes, fields or outcomes, of which there may be others. */
const NAMES = /(?:^|\.)(?:errors|changed|samples)\.\w+$/;

/** Paths of all members, those of the objects in an array taken together. */
function paths(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  if (!Array.isArray(value))
    return Object.entries(value).flatMap(([key, member]) => paths(member, at === '' ? key : `${at}.${key}`));
  const objects = value.filter((item) => typeof item === 'object' && item !== null);
  return objects.length === 0 ? [at] : objects.flatMap((item) => paths(item, `${at}[]`));
}
