import type { EnumValue } from './definitions.js';

export const GENDERS: EnumValue[] = [
  { name: 'unknown', value: 0, label: 'Not specified' },
  { name: 'male', value: 1, label: 'Male' },
  { name: 'female', value: 2, label: 'Female' },
];

export const EMAIL_FORMATS: EnumValue[] = [
  { name: 'unknown', value: 0, label: 'Unknown' },
  { name: 'text', value: 1, label: 'Text' },
  { name: 'html', value: 2, label: 'HTML' },
];

export const MESSAGE_TYPES: EnumValue[] = [
  { name: 'email', value: 0, label: 'Email' },
  { name: 'sms', value: 1, label: 'SMS' },
  { name: 'phone', value: 2, label: 'Phone' },
  { name: 'paper', value: 3, label: 'Direct mail' },
];

const LANGUAGES = [
  ['none', 'Not specified'],
  ['ar_sa', 'Arabic (Saudi Arabia)'],
  ['cs_cz', 'Czech (Czech Republic)'],
  ['da_dk', 'Danish (Denmark)'],
  ['de_at', 'German (Austria)'],
  ['de_ch', 'German (Switzerland)'],
  ['de_de', 'German (Germany)'],
  ['el_gr', 'Greek (Greece)'],
  ['en_au', 'English (Australia)'],
  ['en_ca', 'English (Canada)'],
  ['en_gb', 'English (United Kingdom)'],
  ['en_us', 'English (United States)'],
  ['es_es', 'Spanish (Spain)'],
  ['es_mx', 'Spanish (Mexico)'],
  ['fi_fi', 'Finnish (Finland)'],
  ['fr_be', 'French (Belgium)'],
  ['fr_ca', 'French (Canada)'],
  ['fr_ch', 'French (Switzerland)'],
  ['fr_fr', 'French (France)'],
  ['he_il', 'Hebrew (Israel)'],
  ['hi_in', 'Hindi (India)'],
  ['it_it', 'Italian (Italy)'],
  ['ja_jp', 'Japanese (Japan)'],
  ['ko_kr', 'Korean (Korea)'],
  ['nb_no', 'Norwegian (Norway)'],
  ['nl_nl', 'Dutch (Netherlands)'],
  ['pl_pl', 'Polish (Poland)'],
  ['pt_br', 'Portuguese (Brazil)'],
  ['pt_pt', 'Portuguese (Portugal)'],
  ['ru_ru', 'Russian (Russia)'],
  ['sv_se', 'Swedish (Sweden)'],
  ['tr_tr', 'Turkish (Turkey)'],
  ['uk_ua', 'Ukrainian (Ukraine)'],
  ['vi_vn', 'Vietnamese (Vietnam)'],
  ['zh_cn', 'Chinese (China)'],
  ['zh_tw', 'Chinese (Taiwan)'],
] as const;

export const PREFERRED_LANGUAGES: EnumValue[] = LANGUAGES.map(([name, label]) => ({
  name,
  value: name,
  label,
}));

/** Named as Campaign does: `Europe/London` becomes `Europe_London`. */
export const TIME_ZONES: EnumValue[] = [
  { name: 'none', value: 'none', label: 'Not specified' },
  ...Intl.supportedValuesOf('timeZone').map((zone) => ({
    name: zone.replaceAll('/', '_'),
    value: zone,
    label: zone,
  })),
];
