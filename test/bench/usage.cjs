// Loaded before a program that is measured: writes what it used to the file that FARMCTL_BENCH_USAGE names.
const { writeFileSync } = require('node:fs');

const path = process.env.FARMCTL_BENCH_USAGE;
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  if (path !== undefined) writeFileSync(path, JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, maxRSS }));
});
