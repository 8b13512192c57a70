import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGES, renderPage } from '../docs/pages.ts';
import { PROJECT_PATH } from '../lab/paths.ts';

// Writes the generated parts of the reference pages: node -C farmctl-source test/build/docs.ts
for (const path of PAGES) await writeFile(join(PROJECT_PATH, path), await renderPage(path));
