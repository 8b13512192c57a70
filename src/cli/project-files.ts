/** Where an editor finds what roles import, as paths for a tsconfig. */
export interface FarmctlTypes {
  readonly entry: string;
  /** Where the entry is TypeScript's source: the folder of the types that it needs itself. */
  readonly typeRoot?: string;
}

/** What a new project holds: path below its folder and content. `name` is the farm's name. */
export function projectFiles(name: string, types: FarmctlTypes): ReadonlyMap<string, string> {
  return new Map([
    ['inventories/prod.yaml', inventory(name)],
    ['roles/motd/role.ts', ROLE],
    ['templates/motd/motd.hbs', TEMPLATE],
    ['tsconfig.json', tsconfig(types)],
    ['package.json', PACKAGE],
    ['.gitignore', GITIGNORE],
    ['README.md', readme(name)],
  ]);
}

const inventory = (name: string) => `# yaml-language-server: $schema=../farmctl.schema.json
farm: ${name}
domain: ${name}.example
os: debian-12

networks:
  web: { cidr: 192.0.2.0/24, device: eth0 }

# How to log in; each tier and host may say it too, and the inner word wins.
ssh: { user: root }

tiers:
  app:
    roles:
      - motd: { message: 'Be careful: this is production.' }
    hosts:
      # app1 has 192.0.2.21, app2 has 192.0.2.22.
      'app[1:2]': { web: 192.0.2.21 }
`;

const ROLE = `import { defineRole, file, t } from 'farmctl';

export default defineRole({
  name: 'motd',
  summary: 'Greets whoever logs in.',
  systems: ['debian-12'],
  variables: t.object({
    message: t.string({ default: 'Welcome.', description: 'The line under the name of the host.' }),
  }),

  resources({ host, variables, farm, render }) {
    const neighbours = farm.hosts('motd').map((found) => found.host.name);
    const content = render('motd.hbs', { fqdn: host.fqdn, message: variables.message, neighbours });
    return [file({ path: '/etc/motd', content, mode: '0644' })];
  },
});
`;

const TEMPLATE = `{{fqdn}}
{{message}}
{{#each neighbours}}
  * {{this}}
{{/each}}
`;

const PACKAGE = `${JSON.stringify({ private: true, type: 'module' }, null, 2)}\n`;

const tsconfig = ({ entry, typeRoot }: FarmctlTypes) => `${JSON.stringify(
  {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      noEmit: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      paths: { farmctl: [entry] },
      types: typeRoot === undefined ? [] : ['node'],
      ...(typeRoot === undefined ? {} : { typeRoots: [typeRoot] }),
    },
    include: ['roles'],
  },
  null,
  2,
)}
`;

const GITIGNORE = `node_modules/
# Secrets that the inventory reads with !file.
*.key
# What \`farmctl render --output rendered\` writes.
rendered/
`;

const readme = (name: string) => `# ${name}

A farm, described for farmctl.

| path | what |
|---|---|
| inventories/prod.yaml | the hosts, their tiers, roles and variables |
| roles/NAME/role.ts | your own roles; no build is needed |
| templates/NAME/ | their templates |
| farmctl.schema.json | completion and checks in editors; after a change of roles: \`farmctl schema > farmctl.schema.json\` |

\`\`\`
farmctl validate -i prod      # every mistake at once, without any host
farmctl plan -i prod          # what would change
farmctl apply -i prod         # the same, then asks, then does it
farmctl drift -i prod         # ends with 2 where a host differs
\`\`\`
`;
