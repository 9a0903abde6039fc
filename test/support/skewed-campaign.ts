import { createServer, request as ask, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SkewedCampaign {
  /** The address of Campaign's API behind it. */
  url: string;
  close(): Promise<void>;
}

/**
 * A real proxy in front of Campaign's API that makes its clock go so far ahead of all others: in what it answers, times of records and
 * of answers, and in what it is asked for by time.
 */
export async function skewedCampaign(campaign: string, aheadSeconds: number): Promise<SkewedCampaign> {
  const { hostname, port, pathname } = new URL(campaign);
  const aheadMs = aheadSeconds * 1000;
  const server = createServer((incoming, response) => {
    const { method, url = '', headers } = incoming;
    const path = url.replace(/([?&]lm_parameter=)([^&]+)/, (_all, name: string, time: string) => {
      const asked = new Date(Date.parse(decodeURIComponent(time)) - aheadMs);
      return name + encodeURIComponent(asked.toISOString());
    });
    const outgoing = ask({ hostname, port, method, path, headers }, (answer) => {
      void textOf(answer).then(
        (text) => {
          const { 'content-length': _length, 'transfer-encoding': _encoding, date, ...kept } = answer.headers;
          const told = Date.parse(date ?? '');
          response.writeHead(answer.statusCode ?? 502, {
            ...kept,
            ...(!Number.isNaN(told) && { date: new Date(told + aheadMs).toUTCString() }),
          });
          response.end(shifted(text, aheadMs));
        },
        () => response.destroy(),
      );
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Rejects when the answer breaks off. */
async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Campaign writes times as `2026-11-25 12:00:00.000Z` (campaign.md §2). */
const shifted = (text: string, aheadMs: number): string =>
  text.replace(/"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?Z)"/g, (_all, day: string, time: string) => {
    const at = new Date(Date.parse(`${day}T${time}`) + aheadMs).toISOString();
    return JSON.stringify(at.replace('T', ' '));
  });
