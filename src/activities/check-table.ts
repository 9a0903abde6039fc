import type { ColumnDetails, TableMetadata } from '../dynamics/client.js';
import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { columnOf } from '../mapping/fields.js';
import { compileFilter } from '../mapping/filter.js';
import type { SourceColumn } from '../mapping/model.js';
import type { ParentLink, TableMapping } from '../mapping/schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { fault, faultOf, fine, listed, looked, seenOrFault, warning, type About } from './findings.js';

/** The Dynamics half of one table's mapping. */
export interface CheckedTable {
  findings: Finding[];
  /** Absent: the table could not be read. */
  source?: TableMetadata;
  details: Record<string, ColumnDetails>;
}

/** Whether the table, its change tracking, the columns that the mapping reads and the right to read them are there. */
export async function checkTable(
  { dynamics }: ActivityDependencies,
  mapping: TableMapping,
  options: CallOptions,
): Promise<CheckedTable> {
  const name = mapping.dynamics;
  const about: About = { area: 'table', subject: name };
  const seen = await seenOrFault(about, () => dynamics.table(name, options));
  if ('fault' in seen) return { findings: [seen.fault], details: {} };
  const source = seen.value;
  const columns = columnNames(mapping);
  const known = columns.filter((column) => columnOf(column, source));
  const [details, tracking] = await Promise.all([
    seenOrFault({ area: 'columns', subject: name }, () => dynamics.columnDetails(source, known, options)),
    trackingFindings(),
  ]);
  const detailsOf = 'value' in details ? details.value : {};
  return {
    source,
    details: detailsOf,
    findings: [
      ...tracking,
      ...('fault' in details ? [details.fault] : []),
      ...columnFindings(mapping, source, columns, detailsOf),
      ...filterFindings(mapping, source),
      ...lookupFindings(mapping, source, detailsOf),
    ],
  };

  /** A tracked read is the one proof of Global read: Dynamics answers it wholly or not at all (dataverse.md §3). */
  async function trackingFindings(): Promise<Finding[]> {
    const tracked: About = { area: 'tracking', subject: name };
    if (!source.changeTracking) return [faultOf(tracked, 'DYNAMICS_TRACKING_OFF')];
    const select = known.flatMap((column) => columnOf(column, source)?.selectName ?? []);
    const read = await looked({ area: 'rights', subject: name }, async () => {
      await dynamics.readTracked({ table: source, select, pageSize: 1 }, options);
      return [fine({ area: 'rights', subject: name }, 'the application user has Global read')];
    });
    return [fine(tracked, 'change tracking is on'), ...read];
  }
}

/** Every column that the mapping reads, once. */
function columnNames({ fields, links, filters }: TableMapping): string[] {
  return [
    ...new Set([
      ...fields.flatMap((field) => ('from' in field ? [field.from] : [])),
      ...links.flatMap((link) => ('from' in link ? [link.from] : [])),
      ...(filters?.where.map(({ field }) => field) ?? []),
    ]),
  ];
}

function columnFindings(
  { dynamics: table }: TableMapping,
  source: TableMetadata,
  names: string[],
  details: Record<string, ColumnDetails>,
): Finding[] {
  const findings = names.flatMap((name) => {
    const about: About = { area: 'columns', subject: `${table}.${name}` };
    if (!columnOf(name, source))
      return [
        fault(
          about,
          'Dynamics has no such column, or it cannot be read',
          'Mend its name in sync.yaml: it takes the logical name, of a lookup too.',
          'MAPPING_INVALID',
        ),
      ];
    if (details[name]?.secured !== true) return [];
    return [
      warning(
        about,
        'column security is on: Dynamics answers it empty to those who may not read it',
        'Add the application user to a column security profile that may read it.',
      ),
    ];
  });
  if (findings.length > 0 || names.length === 0) return findings;
  return [fine({ area: 'columns', subject: table }, `${names.length} columns are there and readable`)];
}

function filterFindings({ dynamics: table, filters }: TableMapping, source: TableMetadata): Finding[] {
  if (!filters) return [];
  const about: About = { area: 'filters', subject: table };
  const problems = new Set<string>();
  compileFilter(filters, source, (problem) => problems.add(problem));
  if (problems.size === 0)
    return [fine(about, `${filters.where.length} conditions compare what can be compared`)];
  return [...problems].map((problem) =>
    fault(about, problem, 'Mend the condition under filters in sync.yaml.', 'MAPPING_INVALID'),
  );
}

const LOOKUPS = new Set(['Lookup', 'Customer', 'Owner']);

function lookupFindings(
  { dynamics: table, links }: TableMapping,
  source: TableMetadata,
  details: Record<string, ColumnDetails>,
): Finding[] {
  const parents = links.filter((link): link is ParentLink => 'table' in link);
  return parents.flatMap((link) => {
    const column = columnOf(link.from, source);
    return column ? lookupFinding({ area: 'links', subject: `${table}.${link.from}` }, link, column) : [];
  });

  function lookupFinding(about: About, link: ParentLink, { type }: SourceColumn): Finding[] {
    if (!LOOKUPS.has(type))
      return [
        fault(
          about,
          `it is a ${type} and no lookup of ${link.table}`,
          'Name the lookup column under links in sync.yaml.',
        ),
      ];
    const targets = details[link.from]?.targets;
    if (!targets) return [];
    if (!targets.includes(link.table))
      return [
        fault(
          about,
          `it leads to ${listed(targets)}, never to ${link.table}`,
          'Mend `from` or `table` of the link in sync.yaml.',
          'PARENT_MISSING',
        ),
      ];
    const others = targets.filter((target) => target !== link.table);
    if (others.length === 0) return [];
    return [
      warning(
        about,
        `it may lead to ${listed(others)} too: such rows wait for a parent that never comes`,
        `Filter them out, or link through a column that leads to ${link.table} only.`,
        'PARENT_MISSING',
      ),
    ];
  }
}
