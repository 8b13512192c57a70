import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { text } from '../../../src/model/content.ts';
import { bodies } from '../../../src/remote/file-script.ts';
import { filesBatch, type PlainOperation } from '../../../src/remote/files-batch.ts';
import { sh } from '../../../src/remote/sh.ts';
import { STATE_FUNCTIONS } from '../../../src/remote/state-functions.ts';

const { uid, gid } = statSync('.');
const me = { owner: String(process.getuid?.() ?? uid), group: String(process.getgid?.() ?? gid) };
const NAMES = ['a', "it's $(here)", '-rf', 'two\nlines', '.hidden', 'ünï', '7', '8'];

describe('filesBatch', () => {
  let at = '';
  beforeEach(() => {
    at = mkdtempSync(join(tmpdir(), 'farmctl-batch-'));
    for (const name of ['paths', 'originals', 'directories', 'manifest'])
      mkdirSync(join(at, 'S', name), { recursive: true });
  });
  afterEach(() => rmSync(at, { recursive: true }));

  const files = (folder: string, names = NAMES): PlainOperation[] =>
    names.map((name) => ({
      kind: 'file',
      path: `${folder}/${name}`,
      content: text(`${name}\nends without a newline`),
      mode: '0604',
      ...me,
    }));

  function run(steps: readonly (readonly PlainOperation[])[], functions = STATE_FUNCTIONS) {
    const sent = bodies();
    const batch = filesBatch(steps, sent, `${at}/report`);
    expect(sent.contents).toEqual([]);
    const script = `set -u\n${functions}\n${sh`S=${join(at, 'S')}`.text}\n${batch.text}`;
    const result = spawnSync('sh', ['-s'], { input: script, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } });
    const report = existsSync(`${at}/report`) ? readFileSync(`${at}/report`, 'utf8').trim() : undefined;
    return { status: result.status, stderr: result.stderr.toString(), report };
  }

  it('makes directories, files and links with their contents and modes, and leaves nothing else there', () => {
    const folder = join(at, 'new/deep');
    const link: PlainOperation = { kind: 'symlink', path: `${folder}/link`, target: 'a' };
    expect(run([...files(folder).map((one) => [one]), [link]])).toEqual({ status: 0, stderr: '', report: undefined });
    expect(readdirSync(folder).sort()).toEqual([...NAMES, 'link'].sort());
    for (const name of NAMES) {
      expect(readFileSync(join(folder, name), 'utf8')).toBe(`${name}\nends without a newline`);
      expect(statSync(join(folder, name)).mode & 0o7777).toBe(0o604);
    }
    expect(readFileSync(join(folder, 'link'), 'utf8')).toBe('a\nends without a newline');
    expect(readdirSync(join(at, 'S/directories'))).toHaveLength(2);
    expect(readdirSync(join(at, 'S/paths'))).toHaveLength(NAMES.length + 1);
  });

  it('takes the place of what an interrupted batch left', () => {
    mkdirSync(join(at, 'etc'));
    writeFileSync(join(at, 'etc/.farmctl-new.a'), 'half', { mode: 0o444 });
    expect(run([files(join(at, 'etc'))])).toMatchObject({ status: 0 });
    expect(readdirSync(join(at, 'etc')).sort()).toEqual(NAMES.toSorted());
    expect(readFileSync(join(at, 'etc/a'), 'utf8')).toContain('ends without');
  });

  it('gives the names one by one where the command for many is missing', () => {
    const lacking = STATE_FUNCTIONS.replaceAll('/usr/bin/rename.ul', join(at, 'nothing'));
    expect(lacking).not.toBe(STATE_FUNCTIONS);
    expect(run([files(join(at, 'etc'))], lacking)).toEqual({ status: 0, stderr: '', report: undefined });
    expect(readdirSync(join(at, 'etc')).sort()).toEqual(NAMES.toSorted());
  });

  it('says which step failed, and takes back what it had laid', () => {
    const taken = join(at, 'etc', NAMES[3] ?? '');
    mkdirSync(taken, { recursive: true });
    const result = run(files(join(at, 'etc')).map((one) => [one]));
    expect(result).toMatchObject({ status: 1, report: '3 0' });
    expect(result.stderr).toContain('is a directory');
    expect(readdirSync(join(at, 'etc'))).toEqual([NAMES[3]]);
  });

  it('says which step could not get its name, and leaves nothing without one', () => {
    // As the command for many does: it goes on.
    const failing = `${STATE_FUNCTIONS}\nrename_all() { shift 2; r=0; for n; do case $n in *7) r=2 ;; *) mv -fT -- "$n" "\${n%%/.farmctl-new.*}/\${n##*/.farmctl-new.}" ;; esac; done; return $r; }`;
    const result = run(
      files(join(at, 'etc')).map((one) => [one]),
      failing,
    );
    expect(result).toMatchObject({ status: 1, report: '6 6' });
    expect(readdirSync(join(at, 'etc')).sort()).toEqual(NAMES.filter((name) => name !== '7').sort());
  });

  it('grows with the files, not with their square', () => {
    const many = (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `host-number-${index}.cfg`);
      return filesBatch([files('/etc/nagios4/conf.d', names)], bodies(), '/dev/null').text.length / count;
    };
    expect(many(400)).toBeLessThan(1.1 * many(50));
  });

  it('does not remember directories that it could not make', () => {
    mkdirSync(join(at, 'locked'));
    writeFileSync(join(at, 'locked/file'), '');
    const first = files(join(at, 'fine'), ['x']);
    const result = run([first, files(join(at, 'locked/file/below'), ['x'])]);
    expect(result).toMatchObject({ status: 1, report: '1 0' });
    expect(readdirSync(join(at, 'S/directories'))).toHaveLength(1);
  });
});
