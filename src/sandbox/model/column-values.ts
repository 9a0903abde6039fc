import type { Column } from '../dynamics/schema.js';
import { dataverseTime } from '../seed/contact.js';
import { chance, pick, whole, type Random } from '../seed/random.js';

/** How a column is to be filled. */
export interface Drawn {
  empty?: number | undefined;
  sample?: unknown[] | undefined;
}

/** Texts that try what a receiver makes of scripts, quotes, emoji and line ends. */
const TEXTS = [
  'Blumenstrauß „Frühling“ 🌷',
  "O'Neill's choice",
  'Crème brûlée & café',
  'Łódź – Kraków',
  '季節の花束',
  'باقة الربيع',
  'זר פרחים',
  'Весенний букет',
  'Gift set 🎁 (2 × 50 ml)',
  'Ångström lamp, 60 W',
  '<b>Half price</b> "today only"',
  '=SUM(A1:A9)',
  'Plain',
];
const SENTENCES = [
  'Please ring twice.',
  'Lieferung nur vormittags, bitte beim Nachbarn abgeben.',
  'Client très fidèle 😊.',
  'Talked on the phone; wants a callback\nafter 6 pm.',
  '包装を丁寧にお願いします。',
  'يرجى الاتصال قبل التسليم.',
];
/** One in so many memos is as long as its column allows, up to LONGEST_MEMO. */
const LONG_MEMOS = 0.05;
const LONGEST_MEMO = 4000;
/** How far numbers without narrower bounds go. */
const USUAL = 10_000;
const LARGEST_EXACT = 2 ** 53 - 1;

/** A value that the column accepts, as stored: from its samples, or one that suits its type. */
export function drawValue(random: Random, column: Column, { sample }: Drawn, number: number): unknown {
  if (sample) return numbered(pick(random, sample), number);
  switch (column.type) {
    case 'String':
      return cut(pick(random, TEXTS), column.maxLength ?? 100);
    case 'Memo':
      return memo(random, column.maxLength ?? 2000);
    case 'Integer':
      return whole(random, ...bounds(column));
    case 'BigInt':
      return whole(random, 0, LARGEST_EXACT - 1);
    case 'Decimal':
    case 'Double':
    case 'Money': {
      const [least, most] = bounds(column);
      return Number((least + random() * (most - least)).toFixed(column.precision ?? 2));
    }
    case 'Boolean':
      return chance(random, 0.5);
    case 'Picklist':
      return pick(random, column.options ?? []).value;
    case 'MultiSelectPicklist':
      return choices(random, column);
    case 'DateTime': {
      const moment = dataverseTime(whole(random, Date.UTC(2020, 0, 1), Date.UTC(2027, 11, 31)));
      return column.dateTimeBehavior === 'DateOnly' ? moment.slice(0, 10) : moment;
    }
    default:
      return null;
  }
}

export const isNumbered = (value: unknown): value is string =>
  typeof value === 'string' && value.includes('{n}');

/** A sample with the row's number in its place. */
export const numbered = (value: unknown, number: number): unknown =>
  isNumbered(value) ? value.replaceAll('{n}', String(number)) : value;

function memo(random: Random, maxLength: number): string {
  const wanted = chance(random, LONG_MEMOS) ? Math.min(maxLength, LONGEST_MEMO) : 1;
  let text = pick(random, SENTENCES);
  while (text.length < wanted) text += ` ${pick(random, SENTENCES)}`;
  return cut(text, maxLength);
}

/** The column's length counts UTF-16 units, of which none may be parted from its other half. */
const cut = (text: string, maxLength: number): string =>
  text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '');

function choices(random: Random, { options = [] }: Column): string {
  const chosen = options.filter(() => chance(random, 0.4)).map(({ value }) => value);
  return (chosen.length > 0 ? chosen : [pick(random, options).value]).join(',');
}

/** The column's own bounds where they are near, since its type's are astronomical. */
function bounds({ min, max = USUAL }: Column): [number, number] {
  const least = min !== undefined && min > -USUAL ? min : Math.min(0, max);
  return [least, Math.min(max, Math.max(USUAL, least + USUAL))];
}
