import { Listr, ListrLogger, ProcessOutput, Spinner } from 'listr2';
import { maskText } from '../model/secret.ts';
import { createRowModel, type Row } from './live-rows.ts';
import { eventLine } from './progress.ts';
import type { ProgressReporter } from './reporter.ts';
import type { Style } from './style.ts';

/** Redrawing costs as much as there are rows: four times a second is enough for an eye and for a processor. */
const REDRAW_MS = 250;

class CalmSpinner extends Spinner {
  override start(draw?: () => void): void {
    super.start(draw, REDRAW_MS);
  }
}

/** What log-update begins each drawing with: it wipes the last one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences
const WIPE = /^(?:\x1b\[2K(?:\x1b\[1A)?)*(?:\x1b\[G)?/;

/**
 * Rows that move, for a terminal: one per part, never one per host. What went wrong is printed as lines above them.
 * `write` reaches the terminal's stderr.
 */
export function createLiveReporter(write: (text: string) => void, style: Style): ProgressReporter {
  const model = createRowModel(style);
  const above: string[] = [];
  let display: Promise<Display> | undefined;
  /** True while a question has the screen. */
  let isAside = false;

  /** Lines go between wiping the old rows and drawing the new ones. */
  function draw(chunk: string): boolean {
    const wipe = WIPE.exec(chunk)?.[0] ?? '';
    if (isAside) write(wipe);
    else write(wipe + takeLines() + chunk.slice(wipe.length));
    return true;
  }

  const takeLines = () =>
    above
      .splice(0)
      .map((line) => `${line}\n`)
      .join('');

  function tell(line: string): void {
    if (display === undefined && !isAside) write(`${line}\n`);
    else above.push(maskText(line));
  }

  async function take(): Promise<boolean> {
    const ending = display;
    display = undefined;
    await (await ending)?.end();
    return ending !== undefined;
  }

  return {
    tell,
    async stop() {
      model.close();
      await take();
      write(takeLines());
    },
    async aside(work) {
      isAside = true;
      const wasOn = await take();
      try {
        return await work();
      } finally {
        isAside = false;
        if (wasOn) display = Promise.resolve(startDisplay(model.rows, draw));
      }
    },
    report(event) {
      if (model.take(event)) {
        const before = display;
        display = (async () => {
          await (await before)?.end();
          return startDisplay(model.rows, draw);
        })();
      } else if (isTold(event.kind)) {
        const line = eventLine(event, style, 0);
        if (line !== undefined) tell(line);
      }
    },
  };
}

/** Changes that were made are only counted; what an operator must read now is told. */
const isTold = (kind: string) => kind === 'change-failed' || kind === 'notice' || kind === 'host-finished';

interface Display {
  /** Draws a last time and gives the terminal back. */
  end(): Promise<void>;
}

function startDisplay(rows: readonly Row[], draw: (chunk: string) => boolean): Display {
  const open = new Map<Row, { finish: () => void; setTitle: (title: string) => void }>();
  let begun = 0;
  const { columns = 80, rows: height = 24 } = process.stderr;
  const stream = (write: (chunk: string) => boolean) =>
    Object.assign(Object.create(process.stderr) as NodeJS.WriteStream, { columns, rows: height, write });
  const output = new ProcessOutput(stream(draw), stream(draw));
  const list = new Listr(
    rows.map((row) => ({
      title: row.title,
      task: (_: unknown, task: { title: string }) =>
        new Promise<void>((resolve, reject) => {
          begun++;
          open.set(row, {
            setTitle: (title) => {
              if (task.title !== title) task.title = title;
            },
            finish: () => (row.state === 'done' ? resolve() : reject(new Error(row.title))),
          });
        }),
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: {
        formatOutput: 'truncate',
        spinner: new CalmSpinner(),
        logger: new ListrLogger({ useIcons: true, processOutput: output }),
        showErrorMessage: false,
      },
    },
  );
  const running = list.run().catch(() => undefined);
  const timer = setInterval(() => {
    for (const [row, { setTitle, finish }] of open) {
      setTitle(row.title);
      if (row.state === 'going') continue;
      open.delete(row);
      finish();
    }
  }, REDRAW_MS);
  return {
    async end() {
      clearInterval(timer);
      // Tasks begin some turns after `run`: only then can they be ended.
      while (begun < rows.length) await new Promise(setImmediate);
      for (const [row, { setTitle, finish }] of open) {
        setTitle(row.title);
        finish();
      }
      open.clear();
      await running;
    },
  };
}
