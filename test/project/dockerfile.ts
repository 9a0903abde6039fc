export interface Instruction {
  /** `FROM`, `RUN` … */
  name: string;
  /** As it stands after the name, continued lines joined and comments left out. */
  text: string;
}

/** The instructions of a Dockerfile, in their order. */
export function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile.split('\n').filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => {
      const [, name = '', text = ''] = /^(\S+)\s*(.*)$/.exec(line.trim()) ?? [];
      return { name: name.toUpperCase(), text };
    });
}

/** The instructions of each stage, its `FROM` first. */
export function stagesOf(dockerfile: string): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const instruction of instructionsOf(dockerfile)) {
    if (instruction.name === 'FROM') stages.push([]);
    stages.at(-1)?.push(instruction);
  }
  return stages;
}

const KNOWN = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'];

/**
 * What is wrong with a Dockerfile: the rules of hadolint that apply to what ours uses (DL numbers: hadolint's wiki), and our own: no
 * root, a health check, no secret. An instruction that the rules do not cover is a fault too.
 */
export function dockerfileFaults(dockerfile: string): string[] {
  const stages = stagesOf(dockerfile);
  const last = stages.at(-1) ?? [];
  const inLast = (name: string): Instruction[] => last.filter((instruction) => instruction.name === name);
  const aliases = stages.map(([from]) => /\sAS\s+(\S+)$/i.exec(from?.text ?? '')?.[1]);
  const faults = stages.flat().flatMap((instruction) => faultsOf(instruction, aliases));
  const user = inLast('USER').at(-1)?.text ?? 'root';
  if (/^(root|0)(:|$)/.test(user)) faults.push('runs as root (DL3002)');
  for (const name of ['HEALTHCHECK', 'ENTRYPOINT', 'CMD'])
    if (inLast(name).length !== 1) faults.push(`${name} is not there exactly once (DL3012, DL4003, DL4004)`);
  return faults;
}

function faultsOf({ name, text }: Instruction, aliases: (string | undefined)[]): string[] {
  if (!KNOWN.includes(name)) return [`${name} is none of ${KNOWN.join(', ')}`];
  const rules: Record<string, [RegExp | boolean, string][]> = {
    FROM: [
      [!/^[\w./-]+:\d+\.\d+\.\d+[\w.-]*(\s|$)/.test(text), 'is not pinned to a version (DL3006, DL3007)'],
      [/alpine/, "has no glibc, which Temporal's SDK needs"],
    ],
    WORKDIR: [[!text.startsWith('/'), 'is not absolute (DL3000)']],
    COPY: [
      [(/--from=(\S+)/.exec(text)?.[1] ?? aliases[0]) !== aliases[0], 'is from an unknown stage (DL3022)'],
      [
        text.split(/\s+/).length > 3 && !text.includes('--from') && !text.endsWith('/'),
        'of several needs a folder (DL3021)',
      ],
    ],
    RUN: [
      [/\b(sudo|ssh|shutdown)\b/, 'has no place in an image (DL3001, DL3004)'],
      [/\bnpm (install|i)\b/, 'does not keep to package-lock.json'],
      [/\bcurl|wget\b/, 'takes what no lock file pins'],
      [/\bapt\s/, 'uses apt in place of apt-get (DL3027)'],
      [/apt-get install(?!.*--yes)/, 'waits for an answer (DL3014)'],
      [/apt-get install(?!.*--no-install-recommends)/, 'installs more than is named (DL3015)'],
      [
        text.includes('apt-get') &&
          !/apt-get update && apt-get install.*rm -rf \/var\/lib\/apt\/lists/.test(text),
        'leaves lists of packages (DL3009)',
      ],
    ],
    ENV: [[/(SECRET|PASSWORD|TOKEN|_KEY)\w*=/, 'keeps a secret in the image']],
    HEALTHCHECK: [[!/ CMD \[.*\]$/.test(text), 'has no command in JSON (DL3025)']],
    ENTRYPOINT: [[!/^\[.*\]$/.test(text), 'is not in JSON (DL3025)']],
    CMD: [[!/^\[.*\]$/.test(text), 'is not in JSON (DL3025)']],
  };
  const applying = (rules[name] ?? []).filter(([rule]) => (rule instanceof RegExp ? rule.test(text) : rule));
  return applying.map(([, fault]) => `${name} ${text}: ${fault}`);
}

/** Whether the build context holds `path`, as a .dockerignore of names, `*` and `!` exceptions tells. */
export function isInContext(dockerignore: string, path: string): boolean {
  const parts = path.split('/');
  const above = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
  let isIn = true;
  for (const line of dockerignore.split('\n').filter(Boolean)) {
    const isException = line.startsWith('!');
    const pattern = isException ? line.slice(1) : line;
    if (pattern === '*' || above.includes(pattern)) isIn = isException;
  }
  return isIn;
}
