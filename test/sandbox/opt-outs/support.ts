import { list, text, type Caller, type Json } from '../core/support.js';
import { connectFiles } from '../sftp/client.js';

export const PROFILES = '/profileAndServicesExt/profile';
export const EXPORTS = '/d365_loads/exports';

export type Row = Record<string, string>;

export interface ExportedFile {
  path: string;
  /** As the answer tells it. */
  rows: number;
  columns: string[];
  /** Those of the file, by column. */
  lines: Row[];
  content: Buffer;
}

/** Runs the export and fetches its file, tab-separated with a header unless a test has changed its form. */
export async function exported(caller: Caller, body?: object): Promise<ExportedFile> {
  const { json } = await caller.succeed('POST', 'opt-out-export', body);
  const path = text(json['file']);
  const content = await contentOf(caller, path);
  const [header = '', ...lines] = content.toString('utf8').trimEnd().split('\n');
  const columns = header.split('\t');
  return {
    path,
    rows: Number(json['rows']),
    columns,
    content,
    lines: lines.map((line) =>
      Object.fromEntries(line.split('\t').map((value, place) => [columns[place] ?? '', value])),
    ),
  };
}

export async function contentOf(caller: Caller, path: string): Promise<Buffer> {
  const files = await connectFiles(caller.ready);
  const content = await files.read(path);
  await files.end();
  return content;
}

export async function filesIn(caller: Caller, folder: string): Promise<string[]> {
  const files = await connectFiles(caller.ready);
  const names = (await files.list(folder)).map(({ filename }) => filename);
  await files.end();
  return names.toSorted();
}

export async function makeProfile(caller: Caller, values: object): Promise<Json> {
  const answer = await caller.campaign('POST', PROFILES, values);
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.json;
}

export async function changeProfile(caller: Caller, externalId: string, values: object): Promise<void> {
  const answer = await caller.campaign('PATCH', `${PROFILES}/${externalId}`, values);
  if (answer.status !== 200) throw new Error(answer.text);
}

export const profileOf = async (caller: Caller, externalId: string): Promise<Json> =>
  (await caller.campaign('GET', `${PROFILES}/${externalId}`)).json;

export const idsIn = (rows: Row[]): string[] => rows.map((row) => row['externalId'] ?? '');

/** Moves the clock: whoever holds a token has to get another. */
export async function pass(caller: Caller, advance: string): Promise<void> {
  await caller.succeed('POST', 'clock', { advance });
  caller.forgetTokens();
}

export const errorsOf = (json: Json): string[] => list(json['errors']).map(text);
