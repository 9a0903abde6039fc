import { createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createSftp, type SftpSettings } from '../../src/campaign/sftp.js';
import { errorOf } from './scripted-campaign.js';
import { hostKeyOf, sftpServer, type SftpServer } from './sftp-server.js';

const [ed25519, rsa, ecdsa] = [hostKeyOf('ed25519'), hostKeyOf('rsa'), hostKeyOf('ecdsa')];

function sftpOf(server: SftpServer, over: Partial<SftpSettings> = {}) {
  const sftp = createSftp({
    host: server.host,
    port: server.port,
    user: server.user,
    privateKey: server.privateKey,
    hostKey: server.hostKeys[0]?.fingerprint ?? '',
    timeLimitMs: 2_000,
    ...over,
  });
  onTestFinished(() => sftp.close());
  return sftp;
}

test.each([
  ['fingerprint', ({ fingerprint }: typeof rsa) => fingerprint],
  ['padded fingerprint', ({ fingerprint }: typeof rsa) => `${fingerprint}=\n`],
  ['public key', ({ publicKey }: typeof rsa) => publicKey],
  [
    'public key with a comment',
    ({ publicKey }: typeof rsa) => `${publicKey.split(' ').slice(0, 2).join(' ')} campaign@adobe\n`,
  ],
])('a server is known by the %s of any of its keys', async (_name, pin) => {
  const server = await sftpServer({ hostKeys: [ed25519, ecdsa, rsa] });
  server.put('a.txt', 'x');
  for (const key of [ed25519, ecdsa, rsa])
    expect(await sftpOf(server, { hostKey: pin(key) }).list(server.folder)).toEqual([
      { name: 'a.txt', size: 1, mtimeMs: 1_700_000_000_000 },
    ]);
});

test.each([
  ['fingerprint', rsa.fingerprint],
  ['public key of the same kind', hostKeyOf('ed25519').publicKey],
  ['public key of another kind', rsa.publicKey],
  ['text that is no key', 'trust-everybody'],
])(
  'a server whose key is not the pinned %s is refused, and no user is told to it',
  async (_name, hostKey) => {
    const server = await sftpServer({ hostKeys: [ed25519] });
    const error = await errorOf(sftpOf(server, { hostKey }).list(server.folder));
    expect(error).toMatchObject({ code: 'SFTP_HOST_KEY', class: 'stop' });
    expect(error.next).toContain('SFTP_HOST_KEY');
    expect(server.asked).toEqual([]);
  },
);

test.each([
  ['a user that it does not know', { user: 'somebody' }],
  ['a key that it does not know', { privateKey: hostKeyOf('rsa').privateKey }],
  [
    'a key that cannot be read',
    { privateKey: '-----BEGIN RSA PRIVATE KEY-----\nbm90IGEga2V5\n-----END RSA PRIVATE KEY-----' },
  ],
])('%s is told without the key', async (_name, over) => {
  const server = await sftpServer();
  const error = await errorOf(sftpOf(server, over).list(server.folder));
  expect(error).toMatchObject({ code: 'SFTP_CREDENTIALS', class: 'stop' });
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('PRIVATE KEY-----');
});

test('one connection serves all requests, and another one takes its place when it is lost', async () => {
  const server = await sftpServer();
  server.put('a.txt', 'hello');
  const sftp = sftpOf(server);
  await Promise.all([1, 2, 3].map(() => sftp.list(server.folder)));
  expect(server.connections).toBe(1);
  const handle = await sftp.open(`${server.folder}/a.txt`);
  server.onRead = () => 'drop';
  const reading = typeof handle === 'string' ? undefined : handle.chunks(0, 5).next();
  await expect(reading).rejects.toMatchObject({ code: 'SFTP_UNREACHABLE' });
  expect(await sftp.list(server.folder)).toHaveLength(1);
  expect(server.connections).toBe(2);
});

test('a server that is not there, or says nothing, is told as unreachable', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const server = await sftpServer();
  const waiting = sftpOf(server, { port, timeLimitMs: 100 });
  expect(await errorOf(waiting.list('x'))).toMatchObject({ code: 'SFTP_UNREACHABLE', class: 'retry' });
  sockets.forEach((socket) => socket.destroy());
  await new Promise((resolve) => silent.close(resolve));
  expect(await errorOf(sftpOf(server, { port }).list('x'))).toMatchObject({
    code: 'SFTP_UNREACHABLE',
    evidence: { vendorCode: 'ECONNREFUSED' },
  });
});

test('what is not there and what is not allowed are told apart from an outage', async () => {
  const server = await sftpServer();
  server.put('a.txt', 'x');
  server.refuseOpen = () => true;
  const sftp = sftpOf(server);
  expect(await sftp.open(`${server.folder}/a.txt`)).toBe('refused');
  expect(await sftp.open(`${server.folder}/b.txt`)).toBe('absent');
  expect(await errorOf(sftp.list('elsewhere'))).toMatchObject({ code: 'SFTP_REFUSED', class: 'stop' });
});
