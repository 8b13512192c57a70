import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

// Makes dist/, the form that users install: node test/build/build.ts [FOLDER]
//   dist/src/bin.js, index.js and shared chunks beside them; dist/roles/NAME/role.js; dist/templates/;
//   dist/src/index.d.ts with the declarations that it needs.
// Everything farmctl needs is bundled: starting from one or two files is much faster than from hundreds.

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = process.argv[2] ?? join(root, 'dist');

/** Native parts of ssh2, which it does without where they are missing: they bring nothing for what farmctl sends. */
const withoutNative: Plugin = {
  name: 'without-native',
  setup(builder) {
    builder.onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
    builder.onLoad({ filter: /.*/, namespace: 'native' }, () => ({ contents: 'throw new Error("left out");' }));
  },
};

/** Parts of ssh2 that farmctl has no use for: an sshd, HTTP through ssh, compression (never offered). */
const withoutUnused: Plugin = {
  name: 'without-unused',
  setup(builder) {
    builder.onResolve({ filter: /^(\.\/(http-agents|server)\.js|zlib)$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/ssh2/') ? { path, namespace: 'unused' } : undefined,
    );
    const contents = 'module.exports = { constants: {}, createInflate: () => ({ _handle: {} }) };';
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents }));
  },
};

rmSync(dist, { recursive: true, force: true });
const roles = readdirSync(join(root, 'roles')).filter((name) => existsSync(join(root, 'roles', name, 'role.ts')));
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/bin.ts', 'src/index.ts', ...roles.map((name) => `roles/${name}/role.ts`)],
  outdir: dist,
  outbase: '.',
  // Beside bin.js: what looks for farmctl's own files finds them from any chunk in the same way.
  chunkNames: 'src/chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  conditions: ['farmctl-source'],
  alias: {
    farmctl: join(root, 'src/index.ts'),
    // Without the part that teaches Node's `require` to read templates.
    handlebars: join(root, 'node_modules/handlebars/dist/cjs/handlebars.js'),
  },
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire as farmctlRequire } from 'node:module';const require = farmctlRequire(import.meta.url);const __dirname = import.meta.dirname;",
  },
  plugins: [withoutNative, withoutUnused],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
writeLicences(Object.keys(metafile.inputs));
cpSync(join(root, 'templates'), join(dist, 'templates'), { recursive: true });

const settings = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
const declarations = {
  extends: join(root, 'tsconfig.json'),
  compilerOptions: {
    ...settings.compilerOptions,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: dist,
  },
  include: [],
  files: [join(root, 'src/index.ts')],
};
const project = join(dist, 'tsconfig.json');
writeFileSync(project, JSON.stringify(declarations));
const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', project], { stdio: 'inherit' });
rmSync(project);
if (compiled.status !== 0) process.exit(1);

// The one package whose types are part of the public API comes along, types alone: nothing has to be installed beside.
const typebox = join(root, 'node_modules/typebox/build');
cpSync(typebox, join(dist, 'types/typebox'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || path.endsWith('.d.mts'),
});
cpSync(join(root, 'node_modules/typebox/license'), join(dist, 'types/typebox/license'));
const schema = join(dist, 'src/model/schema.d.ts');
writeFileSync(schema, readFileSync(schema, 'utf8').replaceAll("'typebox'", "'../../types/typebox/index.mjs'"));

/** What the bundle holds of others comes with their licences. */
function writeLicences(inputs: readonly string[]): void {
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  const texts = [...new Set(packages)].sort().map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    return `${name} ${version}\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  writeFileSync(join(dist, 'LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}
