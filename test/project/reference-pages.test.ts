import { expect, test } from 'vitest';
import { readConfig, secretNames, settingNames, type Environment } from '../../src/config.js';
import { catalogue } from '../../src/errors.js';
import { referenceRows } from './reference-pages.js';

/** Read by the Temporal SDK and by the search for a CLI, not by readConfig. */
const readElsewhere = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  'TEMPORAL_TLS_SERVER_NAME',
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CLI',
];

const complete: Environment = {
  DYNAMICS_URL: 'https://contoso.crm4.dynamics.com',
  DYNAMICS_TENANT_ID: 'tenant',
  DYNAMICS_CLIENT_ID: 'client',
  DYNAMICS_CLIENT_SECRET: 'secret',
  CAMPAIGN_URL: 'https://mc.adobe.io/contoso/campaign',
  ADOBE_CLIENT_ID: 'client',
  ADOBE_CLIENT_SECRET: 'secret',
  ADOBE_SCOPES: 'scopes',
};

test('errors.md and the catalogue say the same, code by code', () => {
  const written = Object.fromEntries(referenceRows('errors.md').map(({ name, cells }) => [name, cells]));
  const known = Object.fromEntries(
    Object.entries(catalogue).map(([code, { class: kind, message, next }]) => [
      code,
      [kind, `${message}.`, next],
    ]),
  );
  const upperCaseFirst = ([kind = '', message = '', next = '']: string[]) => [
    kind,
    message.charAt(0).toLowerCase() + message.slice(1),
    next,
  ];
  const lowered = (rows: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(rows).map(([code, cells]) => [code, upperCaseFirst(cells)]));
  expect(lowered(written)).toEqual(lowered(known));
});

test('no code stands twice in errors.md', () => {
  const codes = referenceRows('errors.md').map(({ name }) => name);
  expect(codes).toHaveLength(new Set(codes).size);
});

test('settings.md lists every setting, and no other', () => {
  const written = referenceRows('settings.md').map(({ name }) => name);
  expect(written.toSorted()).toEqual([...settingNames, ...readElsewhere].toSorted());
});

test('settings.md marks the secrets that may come from a file', () => {
  const marked = referenceRows('settings.md').filter(({ cells }) => cells[0]?.includes('secret'));
  expect(marked.map(({ name }) => name).toSorted()).toEqual(secretNames.toSorted());
});

test('the defaults in settings.md are the real ones', () => {
  const defaults = referenceRows('settings.md').flatMap(({ name, cells }) => {
    const value = /^`([^`]+)`$/.exec(cells[1] ?? '')?.[1];
    return value !== undefined && settingNames.includes(name) ? [[name, value] as const] : [];
  });
  expect(defaults.length).toBeGreaterThan(8);
  const unset = readConfig(complete, 'embedded');
  for (const [name, value] of defaults) {
    expect({ name, config: readConfig({ ...complete, [name]: value }, 'embedded') }).toEqual({
      name,
      config: unset,
    });
  }
});
