import { failover } from '../../../failover.mjs';

export const dynamic = 'force-dynamic';

export async function GET() {
  return new Response(await failover());
}
