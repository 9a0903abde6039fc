// Starts a Temporal server with the options given as JSON, prints its pid, and stays until it is killed.
import { tsImport } from 'tsx/esm/api';

const { startTemporalServer } = await tsImport('../../src/temporal/server.ts', import.meta.url);
const { pid } = await startTemporalServer(JSON.parse(process.argv[2]));
process.stdout.write(`${pid}\n`);
