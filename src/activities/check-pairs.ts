import type { ColumnDetails } from '../dynamics/client.js';
import type { Finding } from '../contracts.js';
import type { ErrorCode } from '../errors.js';
import { textOf, type Converted } from '../mapping/convert.js';
import { columnOf, compileFields, type CompiledField } from '../mapping/fields.js';
import { compileLinks } from '../mapping/links.js';
import type { SourceColumn, SourceTable, TargetField, TargetResource } from '../mapping/model.js';
import type { ColumnMapping, ParentLink, TableMapping } from '../mapping/schema.js';
import { fault, fine, listed, warning, type About } from './findings.js';

interface Pair {
  about: About;
  column: SourceColumn;
  field: TargetField;
  maxLength: number | undefined;
  outcomes: Outcome[];
}
interface Outcome {
  value: unknown;
  converted: Converted;
}

/**
 * What both sides' metadata together tell of a mapping: types that never or not always convert, texts that may be too long, choices
 * without a match. Values are tried with the very conversion that a sync uses. Fields and columns that are missing are no pairs.
 */
export function checkPairs(
  mapping: TableMapping,
  source: SourceTable,
  target: TargetResource,
  details: Record<string, ColumnDetails>,
): Finding[] {
  const problems = { fields: new Set<string>(), links: new Set<string>() };
  const compiled = compileFields(mapping, source, target, (text) => problems.fields.add(text));
  const links = compileLinks(mapping, source, target, (text) => problems.links.add(text));
  const findings = [
    ...(['fields', 'links'] as const).flatMap((area) =>
      [...problems[area]].map((text) =>
        fault(
          { area, subject: mapping.campaign },
          text,
          `Mend it under ${area} in sync.yaml.`,
          'MAPPING_INVALID',
        ),
      ),
    ),
    ...mapping.fields.flatMap((entry, index) => {
      const field = compiled[index];
      return 'from' in entry && field ? pairFindings(pairOf(entry, field)) : [];
    }),
    ...mapping.links
      .filter((link): link is ParentLink => 'table' in link)
      .flatMap((link, index) => {
        const field = links.fields[index];
        return link.by === 'key' && field ? keyLinkFindings(link, field) : [];
      }),
  ];
  const about: About = { area: 'fields', subject: `${mapping.dynamics} → ${mapping.campaign}` };
  return findings.length > 0 ? findings : [fine(about, 'every value converts and fits')];

  function pairOf({ from, to }: ColumnMapping, { field, valueOf }: CompiledField): Pair | undefined {
    const column = columnOf(from, source);
    if (!column || !Object.hasOwn(target.fields, to)) return undefined;
    const replaced = mapping.replacements.filter((each) => each.field === from).map((each) => each.from);
    const values = [...samplesOf(column, field), ...(isChoice(column) ? [] : replaced)];
    return {
      about: subjectOf(from, to),
      column,
      field,
      maxLength: details[from]?.maxLength,
      outcomes: values.map((value) => ({ value, converted: valueOf({ [column.selectName]: value }) })),
    };
  }

  function keyLinkFindings({ from, to }: ParentLink, { valueOf }: CompiledField): Finding[] {
    const column = columnOf(from, source);
    if (!column || !Object.hasOwn(target.fields, to)) return [];
    if (valueOf({ [column.selectName]: A_GUID }).kind === 'value') return [];
    return [
      fault(
        { ...subjectOf(from, to), area: 'links' },
        `the field cannot hold an id of Dynamics (${A_GUID.length} characters)`,
        'Name a text field that the link joins on, or say by: pkey.',
        'VALUE_NOT_CONVERTIBLE',
      ),
    ];
  }

  function subjectOf(from: string, to: string): About {
    return { area: 'fields', subject: `${mapping.dynamics}.${from} → ${mapping.campaign}.${to}` };
  }
}

function pairFindings(pair: Pair | undefined): Finding[] {
  if (!pair) return [];
  const { column, field } = pair;
  if (isText(column) && takesAnyText(field)) return lengthFindings(pair);
  const refused = pair.outcomes.filter(({ converted }) => converted.kind === 'fault');
  if (refused.length === 0) return [];
  return [isChoice(column) ? choiceFinding(pair, refused) : typeFinding(pair, refused)];
}

function lengthFindings({ about, maxLength, field: { length } }: Pair): Finding[] {
  if (maxLength === undefined || length === undefined || maxLength <= length) return [];
  return [
    warning(
      about,
      `the column takes ${maxLength} characters, the field ${length}: rows with a longer text are parked`,
      `Lengthen the field in Campaign to ${maxLength} and publish, or mend such rows in Dynamics.`,
      'TEXT_TOO_LONG',
    ),
  ];
}

/** Choices are known beforehand, each of them. */
function choiceFinding({ about, column, field, outcomes }: Pair, refused: Outcome[]): Finding {
  const values = listed(refused.map(({ value }) => choiceName(textOf(value), column)));
  const next = `Add replacements for them in sync.yaml, or extend ${field.path} in Campaign.`;
  const codes = codesOf(refused);
  const what = codes.includes('TEXT_TOO_LONG')
    ? `too long for the field (${field.length} characters)`
    : field.values
      ? `not among its values (${listed(field.values)})`
      : `no value of its type (${field.type})`;
  return refused.length === outcomes.length
    ? fault(about, `none of the choices fits, each is ${what}: ${values}`, next, codes[0])
    : warning(about, `rows with these choices are parked, they are ${what}: ${values}`, next, codes[0]);
}

function choiceName(value: string, { labels }: SourceColumn): string {
  const label = labels?.[value];
  return label === undefined ? value : `${value} (${label})`;
}

function typeFinding({ about, column, field, outcomes }: Pair, refused: Outcome[]): Finding {
  const codes = codesOf(refused);
  const becomes = `a ${column.type} ${refused.length === outcomes.length ? 'never' : 'does not always'}`;
  const found = codes.includes('TEXT_TOO_LONG')
    ? `${becomes} fit into ${field.length} characters`
    : `${becomes} become a ${field.type}`;
  return refused.length === outcomes.length
    ? fault(about, found, 'Map the column to a field of another type.', codes[0])
    : warning(
        about,
        `${found}: rows whose value does not are parked`,
        'Mend such rows in Dynamics, or map the column to a text field.',
        codes[0],
      );
}

const codesOf = (refused: Outcome[]): ErrorCode[] =>
  refused.flatMap(({ converted }) => (converted.kind === 'fault' ? [converted.code] : []));

const isText = ({ type }: SourceColumn): boolean => type === 'String' || type === 'Memo';
const takesAnyText = ({ type, values }: TargetField): boolean =>
  type === 'string' || type === 'other' || (type === 'enumeration' && !values);

const CHOICES = new Set(['Picklist', 'MultiSelectPicklist', 'State', 'Status', 'Boolean']);
const isChoice = ({ type, labels }: SourceColumn): boolean => CHOICES.has(type) && labels !== undefined;

const A_GUID = '00000000-0000-4000-8000-000000000000';
/** Texts of every kind that a field of another type may take. */
const TEXTS = ['A text', '12', 'true', '2024-02-29'];

/** Values such as Dynamics answers for a column of this type (dataverse.md §2): of choices all, of others some that differ in kind. */
function samplesOf({ type, dateTimeBehavior, labels }: SourceColumn, { values }: TargetField): unknown[] {
  switch (type) {
    case 'Integer':
      return [0, 1, -2_147_483_648];
    case 'BigInt':
      return [0, 1, '-9223372036854775808'];
    case 'Decimal':
    case 'Double':
    case 'Money':
      return [0, 1, -12.5];
    case 'Picklist':
    case 'State':
    case 'Status':
      return Object.keys(labels ?? { 1: '' }).map(Number);
    case 'MultiSelectPicklist':
      return Object.keys(labels ?? { 1: '' });
    case 'Boolean':
      return [true, false];
    case 'DateTime':
      return [dateTimeBehavior === 'DateOnly' ? '2024-02-29' : '2024-02-29T09:15:00Z'];
    case 'Lookup':
    case 'Customer':
    case 'Owner':
    case 'Uniqueidentifier':
      return [A_GUID];
    default:
      return [...TEXTS, ...(values ?? [])];
  }
}
