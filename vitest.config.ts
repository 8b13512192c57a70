import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['farmctl-source'] },
  ssr: { resolve: { conditions: ['farmctl-source'] } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 20_000 },
});
