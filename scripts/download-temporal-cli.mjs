// Lets the Temporal SDK download the CLI it was made for into the folder given as argument, and ends.
// A process of its own: the SDK installs its native runtime once per process, and a download that hangs
// behind a firewall cannot be aborted from inside.
import { TestWorkflowEnvironment } from '@temporalio/testing';

try {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: process.argv[2], ttl: '3650d' } },
  });
  await environment.teardown();
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
