import { mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that SFTP clients see as the root, on Campaign's side. */
export interface FileArea {
  readonly folder: string;
  /** Writes a whole file, or nothing; `name` is relative to the root. */
  write(name: string, content: Buffer, modifiedMs: number): void;
  /** Removes everything that lies there, and makes the folders that a tenant has. */
  empty(): void;
}

/** Where flags are exported to, and logs (campaign.md §7). */
const FOLDERS = ['d365_loads/exports', 'd365_loads/logs'];

/** The area in that folder, which is made, with the folders that a tenant has. */
export function openFileArea(folder: string): FileArea {
  makeFolders();

  function makeFolders(): void {
    for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
  }

  function write(name: string, content: Buffer, modifiedMs: number): void {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    // Beside the root, which clients do not see, so that none finds half a file.
    const unfinished = `${folder}.part`;
    writeFileSync(unfinished, content);
    utimesSync(unfinished, modifiedMs / 1000, modifiedMs / 1000);
    renameSync(unfinished, file);
  }

  function empty(): void {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    makeFolders();
  }

  return { folder, write, empty };
}
