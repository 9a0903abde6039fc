/** The people and places of one country, so that no seeded contact mixes two of them. */
export interface Locale {
  /** As Dynamics shows it in `address1_country`. */
  country: string;
  /** How often it is drawn, relative to the others. */
  weight: number;
  /** Given names. In scripts other than Latin each is `native|romanised`; the romanised form goes into the email. */
  women: readonly string[];
  men: readonly string[];
  surnames: readonly string[];
  /** Where a woman's surname differs from a man's; otherwise `surnames` serves both. */
  womensSurnames?: readonly string[];
  cities: readonly City[];
  streets: readonly string[];
  /** How a house number and a street are put together. */
  addressLine: (street: string, house: number) => string;
  /** Country calling code and what follows; each `#` becomes a digit. */
  phone: string;
  mobile: string;
}

export interface City {
  name: string;
  /** Each `#` becomes a digit. */
  postalCode: string;
  /** County, state or prefecture. */
  county?: string;
}

export interface Spelling {
  native: string;
  romanised: string;
}

const spellings = new Map<string, Spelling>();

/** Splits `native|romanised`; a Latin name is its own romanised form. */
export function spelled(name: string): Spelling {
  let spelling = spellings.get(name);
  if (!spelling) {
    const [native = name, romanised = native] = name.split('|');
    spelling = { native, romanised };
    spellings.set(name, spelling);
  }
  return spelling;
}
