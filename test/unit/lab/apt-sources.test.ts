import { expect, test } from 'vitest';
import { machineProxy, neededSettings, sourcesFor } from '../../lab/apt-sources.ts';

const DEB822 = `# the archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
# between fields
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: https://vendor.example/repo
Suites: bookworm
Components: stable
`;

test('takes the suite, its updates and its component main from deb822 stanzas', () => {
  expect(sourcesFor('bookworm', [{ name: 'debian.sources', content: DEB822 }])).toEqual({
    text: `Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
    keyrings: ['/usr/share/keyrings/debian-archive-keyring.gpg'],
  });
});

test('reads one-line sources with and without options', () => {
  const content = `# deb http://mirror.example/commented bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/own.gpg] http://mirror.example/debian bookworm main non-free # ours
deb http://mirror.example/security bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb http://vendor.example/sdk sdk-bookworm main
`;
  const { text, keyrings } = sourcesFor('bookworm', [{ name: 'sources.list', content }]);
  expect(text.match(/^URIs: .*$/gm)).toEqual([
    'URIs: http://mirror.example/debian',
    'URIs: http://mirror.example/security',
  ]);
  expect(keyrings).toEqual(['/etc/apt/keyrings/own.gpg']);
});

test('is empty for a system that the machine has no sources of', () => {
  expect(sourcesFor('trixie', [{ name: 'debian.sources', content: DEB822 }])).toEqual({ text: '', keyrings: [] });
});

test('takes from the machine what its sources may need, and its proxy', () => {
  const dump = `Acquire "";
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::http::Proxy "http://proxy.example:3128";
APT::Install-Recommends "1";
`;
  expect(neededSettings(dump)).toEqual(['Acquire::Check-Valid-Until "false";', 'Acquire::Check-Date "false";']);
  expect(machineProxy(dump)).toBe('http://proxy.example:3128');
});
