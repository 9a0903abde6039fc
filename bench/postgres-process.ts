import { startPostgres } from '../test/support/postgres.js';
import { answerParent } from './parent-channel.js';

/** A PostgreSQL for ledgers. On its own, since its starter takes over the signals and the exit status of its process. */
const postgres = startPostgres();
answerParent({
  freshDatabase: async () => (await postgres).freshDatabase(),
  stop: async () => (await postgres).stop(),
});
