import type { Locale } from '../locale.js';

const numberLast = (street: string, house: number): string => `${street} ${house}`;

export const NORTHERN_EUROPE: Locale[] = [
  {
    country: 'Sweden',
    weight: 3,
    women: ['Åsa', 'Märta', 'Ingrid', 'Linnéa'],
    men: ['Åke', 'Björn', 'Östen', 'Göran', 'Håkan'],
    surnames: ['Ångström', 'Sjöberg', 'Åkesson', 'Lindqvist', 'Hägg', 'Nordenskiöld'],
    cities: [
      { name: 'Malmö', postalCode: '21# ##', county: 'Skåne' },
      { name: 'Östersund', postalCode: '83# ##', county: 'Jämtland' },
    ],
    streets: ['Drottninggatan', 'Södra Vägen', 'Björkstigen'],
    addressLine: numberLast,
    phone: '+46 8 465 004 ##',
    mobile: '+46 70 174 06 ##',
  },
  {
    country: 'Norway',
    weight: 2,
    women: ['Øydis', 'Solveig', 'Bjørg', 'Åshild'],
    men: ['Bjørn', 'Øystein', 'Håvard', 'Sæmund'],
    surnames: ['Bjørnson', 'Ødegård', 'Sæther', 'Ås', 'Hansen'],
    cities: [
      { name: 'Tromsø', postalCode: '90##', county: 'Troms' },
      { name: 'Ålesund', postalCode: '60##', county: 'Møre og Romsdal' },
    ],
    streets: ['Storgata', 'Kirkegata', 'Sjøveien'],
    addressLine: numberLast,
    phone: '+47 21 55 0# ##',
    mobile: '+47 409 0# ###',
  },
  {
    country: 'Denmark',
    weight: 2,
    women: ['Søs', 'Freja', 'Kirstine', 'Ærø-Marie'],
    men: ['Søren', 'Jørgen', 'Åge', 'Mikkel'],
    surnames: ['Sørensen', 'Kjærgaard', 'Østergård', 'Nørgaard', 'Møller'],
    cities: [
      { name: 'Århus', postalCode: '80##', county: 'Midtjylland' },
      { name: 'Køge', postalCode: '46##', county: 'Sjælland' },
    ],
    streets: ['Nørrebrogade', 'Strandvejen', 'Lærkevej'],
    addressLine: numberLast,
    phone: '+45 33 55 0# ##',
    mobile: '+45 20 55 0# ##',
  },
  {
    country: 'Finland',
    weight: 2,
    women: ['Päivi', 'Aino', 'Tyyne'],
    men: ['Väinö', 'Jyrki', 'Pekka', 'Yrjö'],
    surnames: ['Hämäläinen', 'Yli-Äyhö', 'Korhonen', 'Mäkelä', 'Pyykkö'],
    cities: [
      { name: 'Jyväskylä', postalCode: '40###', county: 'Keski-Suomi' },
      { name: 'Hämeenlinna', postalCode: '13###', county: 'Kanta-Häme' },
    ],
    streets: ['Mäkelänkatu', 'Yliopistonkatu', 'Järvitie'],
    addressLine: numberLast,
    phone: '+358 9 5550 ###',
    mobile: '+358 45 7396 ###',
  },
  {
    country: 'Iceland',
    weight: 1,
    women: ['Þórdís', 'Guðrún', 'Ásta'],
    men: ['Þorsteinn', 'Sigurður', 'Ævar'],
    surnames: ['Þórsson', 'Jónsson', 'Sæmundsson'],
    womensSurnames: ['Þórsdóttir', 'Jónsdóttir', 'Sæmundsdóttir'],
    cities: [
      { name: 'Reykjavík', postalCode: '1##' },
      { name: 'Ísafjörður', postalCode: '4##' },
    ],
    streets: ['Laugavegur', 'Skólavörðustígur', 'Hafnargata'],
    addressLine: numberLast,
    phone: '+354 555 0###',
    mobile: '+354 695 0###',
  },
];
