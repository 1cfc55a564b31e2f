/** The order of the site: every page of the documentation has one place here (test/docs/site.test.ts). */

export interface Entry {
  /** What the sidebar calls the page. */
  readonly text: string;
  /** The file, from the root of the repository. */
  readonly file: string;
}

export interface Chapter {
  readonly text: string;
  readonly entries: readonly Entry[];
}

export const CHAPTERS: readonly Chapter[] = [
  {
    text: 'Start',
    entries: [
      { text: 'Playground', file: 'site/playground.md' },
      { text: 'Five minutes', file: 'README.md' },
      { text: 'From node-redis', file: 'docs/from-node-redis.md' },
      { text: "From node-redis's own client", file: 'docs/from-node-redis-multidb.md' },
      { text: 'From a proxy or DNS', file: 'docs/from-proxy-or-dns.md' },
      { text: 'From Jedis', file: 'docs/from-jedis.md' },
      { text: 'From ioredis', file: 'docs/from-ioredis.md' },
    ],
  },
  {
    text: 'Understand',
    entries: [
      { text: 'How a failover happens', file: 'docs/failover.md' },
      { text: 'Health checks', file: 'docs/health-checks.md' },
      { text: 'Slow databases', file: 'docs/degraded.md' },
      { text: 'Architecture', file: 'docs/architecture.md' },
      { text: 'Decisions', file: 'docs/decisions.md' },
    ],
  },
  {
    text: 'Use',
    entries: [
      { text: 'Commands, transactions, caching', file: 'docs/compatibility.md' },
      { text: 'Pub/sub', file: 'docs/pubsub.md' },
      { text: 'ioredis and iovalkey', file: 'docs/compatibility-ioredis.md' },
      { text: 'BullMQ', file: 'docs/bullmq.md' },
      { text: 'Other libraries', file: 'docs/libraries.md' },
      { text: 'Databases at run time', file: 'docs/management.md' },
      { text: 'Config files', file: 'docs/config.md' },
      { text: 'Testing your application', file: 'docs/testing.md' },
      { text: 'Examples', file: 'examples/README.md' },
    ],
  },
  {
    text: 'Guides',
    entries: [
      { text: 'All guides', file: 'docs/guides/README.md' },
      { text: 'AWS', file: 'docs/guides/aws.md' },
      { text: 'Azure Managed Redis', file: 'docs/guides/azure.md' },
      { text: 'Google Cloud Memorystore', file: 'docs/guides/google-cloud.md' },
      { text: 'Redis Cloud and Software', file: 'docs/guides/redis-active-active.md' },
      { text: 'Valkey', file: 'docs/guides/valkey.md' },
      { text: 'Sentinel and clusters', file: 'docs/guides/clusters.md' },
      { text: 'Kubernetes', file: 'docs/guides/kubernetes.md' },
      { text: 'Docker Compose', file: 'docs/guides/docker-compose.md' },
      { text: 'Express', file: 'docs/guides/express.md' },
      { text: 'Fastify', file: 'docs/guides/fastify.md' },
      { text: 'NestJS', file: 'docs/guides/nestjs.md' },
      { text: 'Next.js', file: 'docs/guides/nextjs.md' },
      { text: 'Serverless', file: 'docs/guides/serverless.md' },
      { text: 'Jest and Vitest', file: 'docs/guides/jest-and-vitest.md' },
    ],
  },
  {
    text: 'Operate',
    entries: [
      { text: 'HTTP and status page', file: 'docs/http.md' },
      { text: 'Metrics and alerts', file: 'docs/metrics.md' },
      { text: 'Traces', file: 'docs/tracing.md' },
      { text: 'Diagnostics', file: 'docs/diagnostics.md' },
      { text: 'Command line and drill', file: 'docs/cli.md' },
      { text: 'Steering a fleet', file: 'docs/steering.md' },
      { text: 'Runbook', file: 'docs/runbook.md' },
    ],
  },
  {
    text: 'Trust',
    entries: [
      { text: 'Guarantees', file: 'docs/guarantees.md' },
      { text: 'How it is tested', file: 'docs/proofs.md' },
      { text: 'A fleet of thousands', file: 'docs/fleet.md' },
      { text: 'Fault matrix', file: 'docs/fault-matrix.md' },
      { text: 'Performance', file: 'docs/performance.md' },
      { text: 'Security', file: 'SECURITY.md' },
    ],
  },
  {
    text: 'Reference',
    entries: [
      { text: 'Options', file: 'docs/options.md' },
      { text: 'Events', file: 'docs/events.md' },
      { text: 'Errors', file: 'docs/errors.md' },
      { text: 'API', file: 'site/api/index.md' },
      { text: 'Changes', file: 'CHANGELOG.md' },
      { text: 'Contributing', file: 'CONTRIBUTING.md' },
    ],
  },
];

/** Pages that the site has beside those of the chapters, by the folder of their links. */
const EXAMPLES = /^examples\/([^/]+)\/README\.md$/;

/** Whether a file, named from the root of the repository, is a page of the site. */
export function isPage(file: string): boolean {
  const entries = CHAPTERS.flatMap((chapter) => chapter.entries);
  return (
    EXAMPLES.test(file) || file.startsWith('site/') || entries.some((entry) => entry.file === file)
  );
}

/**
 * The path of a page in the site, without a leading slash and with its ending `.md`.
 * @param file from the root of the repository
 */
export function routeOf(file: string): string {
  if (file === 'README.md') return 'start.md';
  if (file === 'examples/README.md') return 'examples/index.md';
  const example = EXAMPLES.exec(file);
  if (example) return `examples/${example[1]}.md`;
  if (file === 'docs/guides/README.md') return 'guides/index.md';
  const name = file.replace(/^(docs|site)\//, '');
  return name === file ? file.toLowerCase() : name;
}

/** The path of a file for download in the site, without a leading slash. */
export function downloadOf(file: string): string {
  return file.replace(/^docs\/(guides\/)?/, '');
}

/** The sidebar as VitePress has it. */
export function sidebar() {
  return CHAPTERS.map(({ text, entries }) => ({
    text,
    items: entries.map((entry) => ({
      text: entry.text,
      link: `/${routeOf(entry.file)
        .replace(/(^|\/)index\.md$/, '$1')
        .replace(/\.md$/, '')}`,
    })),
  }));
}
