import { Command } from 'commander';
import { runMain } from '../command-line/wrong-use.js';
import { readCodecConfig } from '../config.js';
import { listenAt } from '../health.js';
import { createPayloadCodec } from '../temporal/payload-codec.js';
import { createAccess } from './access.js';
import { createCodecServer } from './server.js';

/** The entry of `npm run codec-server`. */
export const main = (argv: string[], environment: Record<string, string | undefined>): Promise<void> =>
  runMain(async () => {
    new Command('npm run codec-server --')
      .description(
        "Decodes payloads for Temporal's Web UI and CLI, until SIGTERM or Ctrl-C. Its settings are environment variables.",
      )
      .exitOverride()
      .parse(argv, { from: 'user' });
    const { payloadKeys, address, accessToken, uiOrigins } = readCodecConfig(environment);
    const server = createCodecServer({
      codec: createPayloadCodec(payloadKeys),
      access: createAccess(accessToken, Date.now),
      uiOrigins,
    });
    await listenAt(server, address, 'CODEC_ADDRESS');
    process.stdout.write(`${JSON.stringify({ ready: true, codec: server.listeningOrigin })}\n`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    await server.close();
  });
