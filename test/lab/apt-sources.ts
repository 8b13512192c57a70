/** Where packages of one system come from: the machine's own sources, cut down to that system. */
export interface AptSources {
  /** In the deb822 format; empty where the machine has none for that system. */
  readonly text: string;
  /** Key files that it names, absolute. */
  readonly keyrings: readonly string[];
}

interface Stanza {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

/**
 * Takes from apt's source files what belongs to the system with that code name: binary packages, component main, the
 * suite itself, its updates and its security updates. Other people's repositories are left out.
 * @param files name and content of the sources.list, *.list and *.sources files
 */
export function sourcesFor(
  codename: string,
  files: ReadonlyArray<{ readonly name: string; readonly content: string }>,
): AptSources {
  const stanzas = files.flatMap((file) =>
    file.name.endsWith('.sources') ? parseDeb822(file.content) : parseOneLine(file.content),
  );
  const wanted = new Set(['', '-updates', '-security', '/updates'].map((end) => codename + end));
  const texts: string[] = [];
  const keyrings = new Set<string>();
  for (const stanza of stanzas) {
    const suites = stanza.suites.filter((suite) => wanted.has(suite));
    if (suites.length === 0 || !stanza.components.includes('main')) continue;
    texts.push(
      [
        'Types: deb',
        `URIs: ${stanza.uris.join(' ')}`,
        `Suites: ${suites.join(' ')}`,
        'Components: main',
        ...(stanza.signedBy === undefined ? [] : [`Signed-By: ${stanza.signedBy}`]),
        '',
      ].join('\n'),
    );
    if (stanza.signedBy?.startsWith('/')) keyrings.add(stanza.signedBy);
  }
  return { text: texts.join('\n'), keyrings: [...keyrings] };
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/[\s,]+/).filter(Boolean);
}

function parseDeb822(content: string): readonly Stanza[] {
  const stanzas: Stanza[] = [];
  const withoutComments = content
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  for (const block of withoutComments.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let name = '';
    for (const line of block.split('\n')) {
      const start = /^([A-Za-z-]+):(.*)$/.exec(line);
      if (start !== null) {
        name = (start[1] ?? '').toLowerCase();
        fields.set(name, (start[2] ?? '').trim());
      } else if (/^\s+\S/.test(line)) {
        fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
      }
    }
    if (!words(fields.get('types')).includes('deb') || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) continue;
    stanzas.push({
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      signedBy: fields.get('signed-by'),
    });
  }
  return stanzas;
}

function parseOneLine(content: string): readonly Stanza[] {
  const stanzas: Stanza[] = [];
  for (const line of content.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components] = match;
    stanzas.push({
      uris: [uri],
      suites: [suite],
      components: words(components),
      signedBy: /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1],
    });
  }
  return stanzas;
}

/** @returns the settings of the machine's apt that its sources may need, as lines for an apt.conf. */
export function neededSettings(configDump: string): readonly string[] {
  return configDump.split('\n').filter((line) => /^Acquire::Check-(Valid-Until|Date) "[^"]*";$/.test(line));
}

/** @returns the proxy that the machine's apt uses for http, from `apt-config dump`. */
export function machineProxy(configDump: string): string | undefined {
  const proxy = /^Acquire::http::Proxy "(http:\/\/[^"]+)";$/m.exec(configDump)?.[1];
  return proxy ?? process.env['http_proxy'];
}
