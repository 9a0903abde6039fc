import { metadataIdOf } from './metadata-id.js';

/** The organisation's base language, English (United States). */
export const BASE_LANGUAGE = 1033;
/** The languages that are switched on: the base language and German. */
export const PROVISIONED_LANGUAGES = [BASE_LANGUAGE, 1031];
/** The languages that could be switched on. */
export const AVAILABLE_LANGUAGES = [BASE_LANGUAGE, 1031, 1036, 1040, 1041, 1043, 1045, 1046, 2052, 3082];

/** A text in the base language, and what it is in others, by language code. */
export interface Texts {
  text: string;
  others: Record<string, string>;
}

/** `Label` as the service writes it; without any text it has an empty list. */
export function labelOf(text: string | undefined, others: Record<string, string> | undefined, id: string) {
  const texts = text === undefined || text === '' ? [] : [[String(BASE_LANGUAGE), text] as const];
  const localized = [
    ...texts,
    ...Object.entries(others ?? {}).filter(([code]) => code !== String(BASE_LANGUAGE)),
  ].map(([code, label]) => ({
    Label: label,
    LanguageCode: Number(code),
    IsManaged: false,
    MetadataId: metadataIdOf('label', id, code),
    HasChanged: null,
  }));
  return { LocalizedLabels: localized, UserLocalizedLabel: localized[0] ?? null };
}

/** Labels by language code, e.g. of an option. */
export const labelFrom = (labels: Record<string, string>, id: string) =>
  labelOf(labels[BASE_LANGUAGE] ?? Object.values(labels)[0], labels, id);

/** Reads a `Label` that a client sent, by language code; undefined when it has no text. */
export function readLabels(label: unknown): Record<string, string> | undefined {
  if (typeof label === 'string') return { [BASE_LANGUAGE]: label };
  if (typeof label !== 'object' || label === null) return undefined;
  const { LocalizedLabels: list, UserLocalizedLabel: user } = label as Record<string, unknown>;
  const labels: Record<string, string> = {};
  for (const entry of Array.isArray(list) && list.length > 0 ? (list as unknown[]) : [user]) {
    const { Label: text, LanguageCode: code } = (entry ?? {}) as Record<string, unknown>;
    if (typeof text === 'string') labels[String(code ?? BASE_LANGUAGE)] = text;
  }
  return Object.keys(labels).length > 0 ? labels : undefined;
}

/** As `readLabels`, with the base language apart; a label that lacks it takes the first that it has. */
export function readLabel(label: unknown): Texts | undefined {
  const labels = readLabels(label);
  return labels && textsOf(labels);
}

export function textsOf(labels: Record<string, string>): Texts {
  const { [BASE_LANGUAGE]: base, ...others } = labels;
  return { text: base ?? Object.values(others)[0] ?? '', others };
}
