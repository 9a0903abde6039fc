/** Waits for a line on its input, then tries to lock the folder of its argument, says how that went, and stays. */
import { once } from 'node:events';
import { SyncError } from '../../../src/errors.js';
import { lockFolder } from '../../../src/ledger/folder-lock.js';

console.log('ready');
await once(process.stdin, 'data');
try {
  await lockFolder(process.argv[2] ?? '');
  console.log('held');
} catch (error) {
  console.log(error instanceof SyncError ? error.code : String(error));
}
