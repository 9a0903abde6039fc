import { spelled, type City, type Locale } from './locale.js';
import { LOCALES } from './locales/index.js';
import { chance, pick, whole, type Random } from './random.js';

/** A person as drawn, before it becomes columns of a table. */
export interface Person {
  locale: Locale;
  female: boolean;
  firstName: string;
  lastName: string;
  city: City;
  addressLine: string;
  postalCode: string;
  email: string;
}

const TOTAL_WEIGHT = LOCALES.reduce((total, locale) => total + locale.weight, 0);

/** Draws a person whose names, place and address belong to one country. Email addresses use reserved domains. */
export function drawPerson(random: Random): Person {
  const locale = drawLocale(random);
  const female = chance(random, 0.5);
  const first = spelled(pick(random, female ? locale.women : locale.men));
  const last = spelled(pick(random, female ? (locale.womensSurnames ?? locale.surnames) : locale.surnames));
  const city = pick(random, locale.cities);
  return {
    locale,
    female,
    firstName: first.native,
    lastName: last.native,
    city,
    addressLine: locale.addressLine(pick(random, locale.streets), whole(random, 1, 240)),
    postalCode: fillDigits(random, city.postalCode),
    email: drawEmail(random, first.romanised, last.romanised),
  };
}

/** An address for this person on a domain that can belong to nobody. */
export function drawEmail(random: Random, firstName: string, lastName: string): string {
  const domain = pick(random, DOMAINS);
  return `${asciiLetters(firstName)}.${asciiLetters(lastName)}${whole(random, 1, 99_999)}@${domain}`;
}

/** Replaces each `#` by a digit; the first one is never 0. */
export function fillDigits(random: Random, pattern: string): string {
  let first = true;
  return pattern.replace(/#/g, () => {
    const digit = whole(random, first ? 1 : 0, 9);
    first = false;
    return String(digit);
  });
}

const DOMAINS = [
  'mail.example',
  'shop.example',
  'post.example',
  'familie.example',
  'correo.example',
  'office.example',
];

function drawLocale(random: Random): Locale {
  let left = random() * TOTAL_WEIGHT;
  for (const locale of LOCALES) {
    left -= locale.weight;
    if (left < 0) return locale;
  }
  return LOCALES[0] as Locale;
}

const FOLDED: Record<string, string> = {
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
  ő: 'o',
  ű: 'u',
};

const asciiCache = new Map<string, string>();

/** Lower-case ASCII letters and digits of a romanised name. */
export function asciiLetters(name: string): string {
  let folded = asciiCache.get(name);
  if (folded === undefined) {
    const plain = name.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
    folded = Array.from(plain)
      .map((letter) => FOLDED[letter] ?? letter)
      .join('')
      .replace(/[^a-z0-9-]/g, '');
    asciiCache.set(name, folded);
  }
  return folded;
}
