/**
 * The picture of the status page in README.md, of a real run: a server is killed under traffic.
 * `npm run screenshot` writes docs/images/status-page.png.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '../kit/index.js';
import { startApplication, startBrowser } from './support.js';

const file = path.resolve(import.meta.dirname, '../../docs/images/status-page.png');
mkdirSync(path.dirname(file), { recursive: true });
const app = await startApplication({ authorize: () => true });
const browser = await startBrowser();
try {
  await sleep(35_000);
  await app.servers[0].kill();
  await sleep(12_000);
  const page = await browser.open(app.url, { width: 1120, height: 925 });
  await page.getByText('dublin is serving').waitFor();
  await sleep(1500);
  await page.screenshot({ path: file });
} finally {
  await browser.close();
  await app.stop();
}
