import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

// Makes dist/, the form that users install: node test/build/build.ts [FOLDER]
//   dist/src/farmctl-HASH.cjs, one script of all that farmctl is and needs; bin.js and index.js, which are small and load
//   it; dist/roles/NAME/role.js; dist/templates/; dist/src/index.d.ts with the declarations that it needs.
// One script starts much faster than hundreds of files, and V8 can be given what it had compiled of it before.

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
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  conditions: ['farmctl-source'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions;

const script = await build({
  ...common,
  entryPoints: { farmctl: 'src/published/script.ts' },
  entryNames: '[name]-[hash]',
  outdir: join(dist, 'src'),
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  // A script that is kept compiled cannot import.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'farmctlUrl' },
  banner: { js: "const farmctlUrl = require('node:url').pathToFileURL(__filename).href;" },
  alias: {
    // Without the part that teaches Node's `require` to read templates.
    handlebars: join(root, 'node_modules/handlebars/dist/cjs/handlebars.js'),
  },
  mainFields: ['module', 'main'],
  plugins: [withoutNative, withoutUnused],
});
const [scriptPath = ''] = Object.keys(script.metafile.outputs);
await build({
  ...common,
  entryPoints: ['src/published/bin.ts', 'src/published/program.ts'],
  outdir: join(dist, 'src'),
  splitting: true,
  format: 'esm',
  define: { FARMCTL_SCRIPT: JSON.stringify(basename(scriptPath)) },
});
const names = Object.keys(await import('../../src/index.ts')).join(', ');
writeFileSync(join(dist, 'src/index.js'), `import { api } from './program.js';\n\nexport const { ${names} } = api;\n`);

const roles = readdirSync(join(root, 'roles')).filter((name) => existsSync(join(root, 'roles', name, 'role.ts')));
await build({
  ...common,
  entryPoints: roles.map((name) => `roles/${name}/role.ts`),
  outdir: join(dist, 'roles'),
  splitting: true,
  format: 'esm',
  external: ['farmctl'],
});
writeLicences(Object.keys(script.metafile.inputs));
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
