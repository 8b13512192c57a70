import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { RunOptions } from '../engine/run.ts';
import type { Farm } from '../model/farm.ts';
import { createPlainReporter, type ProgressReporter } from '../report/reporter.ts';
import { printableLine } from '../report/text.ts';
import { loadTemplates } from '../template/load.ts';
import type { AskAnswer } from '../transport/authentication.ts';
import { type HeadStart, headStart } from '../transport/head-start.ts';
import type { AskPassphrase } from '../transport/identities.ts';
import { sshTransport } from '../transport/ssh.ts';
import { cacheFolder } from './cache-folder.ts';
import { askPasswords, withConnection } from './connection.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { type Interrupt, listenForInterrupt } from './interrupt.ts';
import { acceptedKeys, reviewNewKeys } from './new-keys.ts';
import type { ConnectionFlags, SelectionFlags, TagFlags } from './options.ts';
import { openProject } from './project.ts';
import { askHost, askSecret } from './question.ts';
import { checkTags, selectedHosts } from './selection.ts';
import { showDiagnostics } from './show-diagnostics.ts';
import type { Terminal } from './terminal.ts';

/** From so many hosts on, memory counts more than the garbage collector's time. */
const MANY_HOSTS = 100;

export type FarmRunFlags = SelectionFlags & ConnectionFlags & Partial<TagFlags>;

/** What a command over hosts has at hand. Leaving its scope gives the signals back and clears the screen. */
export interface FarmRun extends AsyncDisposable {
  readonly farm: Farm;
  /** The selected hosts, in the order of the inventory. */
  readonly hosts: readonly string[];
  readonly interrupt: Interrupt;
  /** 130 once Ctrl-C was pressed, else 0. */
  interrupted(): ExitCode;
  /** What the engine is given. Asks for passwords where the flags want that, and begins to connect. @throws FarmError */
  options(): Promise<RunOptions>;
  /** Takes the progress off the screen, before something else is printed. */
  stopProgress(): Promise<void>;
}

/**
 * Reads the project and selects hosts; talks to none.
 * @param mayMove false where the command's own output comes while hosts are at work: rows would be torn
 * @throws FarmError with all that is wrong in the project or the selection
 */
export async function openFarmRun(flags: FarmRunFlags, terminal: Terminal, { mayMove = true } = {}): Promise<FarmRun> {
  const { farm, roles, roots, diagnostics } = await openProject(flags, terminal);
  await showDiagnostics(diagnostics, terminal);
  const hosts = selectedHosts(farm, roles, flags);
  const { tags = [], skipTags = [] } = flags;
  checkTags(farm, roles, { tags, skipTags });
  const progress = await createProgress(flags, terminal, mayMove);
  const accepted = acceptedKeys(hosts, (line) => progress.tell(line));
  let begun: HeadStart | undefined;
  const interrupt = listenForInterrupt((line) => progress.tell(terminal.errStyle.yellow(line)));
  return {
    farm,
    hosts,
    interrupt,
    interrupted: () => (interrupt.stopping.aborted ? EXIT.interrupted : EXIT.done),
    stopProgress: () => {
      accepted.tell();
      return progress.stop();
    },
    async options() {
      // V8 reads this at each collection: garbage of hosts that are done is not left lying while others come.
      if (hosts.length > MANY_HOSTS) setFlagsFromString('--heap-growing-percent=30');
      const passwords = await askPasswords(flags, terminal);
      const connected = withConnection(farm, flags, passwords.become);
      const askPassphrase: AskPassphrase = (keyPath, isAgain) => {
        const question = `${isAgain ? 'That was wrong. ' : ''}Passphrase of ${keyPath}`;
        return progress.aside(() => askSecret(terminal, question, 'the private key'));
      };
      const askAnswer: AskAnswer = (label, question, isEchoed) =>
        progress.aside(() => askHost(terminal, printableLine(`${label} asks: ${question}`), isEchoed));
      const cache = cacheFolder(terminal.environment);
      // As ssh -F, for those who keep a configuration for the farm apart from their own.
      const { FARMCTL_SSH_CONFIG: sshConfigFile } = terminal.environment;
      const transport = sshTransport({
        ...(sshConfigFile === undefined || sshConfigFile === '' ? {} : { sshConfigFile }),
        target: (name) => targetOf(connected, name),
        ...(passwords.login === undefined ? {} : { password: passwords.login }),
        ...(terminal.isInteractive ? { askPassphrase, askAnswer } : {}),
        ...(cache === undefined ? {} : { cacheFolder: join(cache, 'ssh-config') }),
        onNewHostKey: (key) => accepted.add(key),
      });
      if (terminal.isInteractive) await reviewNewKeys(transport, hosts, { terminal, signal: interrupt.stopping });
      begun = headStart(transport, hosts.slice(0, flags.forks), interrupt.killing);
      // Hosts answer while they are read.
      const templates = loadTemplates(roots);
      return {
        farm: connected,
        roles,
        templates,
        transport: begun,
        hosts,
        tags,
        skipTags,
        forks: flags.forks,
        lockTimeoutMs: flags.lockTimeout * 1000,
        report: (event) => {
          progress.report(event);
          accepted.watch(event);
        },
        stopping: interrupt.stopping,
        killing: interrupt.killing,
      };
    },
    async [Symbol.asyncDispose]() {
      begun?.close();
      accepted.tell();
      await progress.stop();
      interrupt.release();
    },
  };
}

function targetOf(farm: Farm, name: string) {
  const host = farm.hosts.get(name);
  if (host === undefined) return undefined;
  const [address = name] = host.addresses.values();
  return { name, address, settings: host.ssh, become: host.become };
}

/** Rows where the cursor may be moved, lines elsewhere and where details were asked for. */
async function createProgress(flags: FarmRunFlags, terminal: Terminal, mayMove: boolean): Promise<ProgressReporter> {
  const verbosity = Number(flags.verbose);
  if (!mayMove || !terminal.isLive || verbosity > 0)
    return createPlainReporter(terminal.err, terminal.errStyle, verbosity);
  const { createLiveReporter } = await import('../report/live.ts');
  return createLiveReporter(terminal.err, terminal.errStyle);
}
