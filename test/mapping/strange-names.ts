/** Names that mean something to an address, a sheet, a prototype or a reader of right-to-left scripts. */

export const STRANGE = [
  'a/b',
  'a?b#c',
  '100%',
  `it's "it"`,
  '🌸',
  '=1+1',
  '{"a":1}',
  '-',
  ' ',
  'a\u202eb',
  'ф',
  'a.b',
];
export const PROTOTYPE = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'toJSON'];
