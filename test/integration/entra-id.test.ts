/** Tokens of Microsoft Entra ID through `@redis/entraid`, made here instead of by Azure. */
import { EntraIdCredentialsProviderFactory, REDIS_SCOPE_DEFAULT } from '@redis/entraid';
import { createMultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startRedis, waitFor } from '../kit/index.js';
import { own } from './support.js';

it('new tokens authenticate the existing connections, on every database', async () => {
  const servers = await Promise.all([startRedis(), startRedis()]);
  let tokens = 0;
  // A token names its user, as those of Azure do. Here every token is another user, so that it shows.
  const getToken = async () => {
    tokens += 1;
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part({ oid: `app-${tokens}` })}.signature`;
    const user = ['ACL', 'SETUSER', `app-${tokens}`, 'on', `>${token}`, '~*', '+@all'];
    await Promise.allSettled(servers.map((server) => server.command(...user)));
    return { token, expiresOnTimestamp: Date.now() + 2000 };
  };
  const credentialsProvider = EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
    credential: { getToken },
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig: { expirationRefreshRatio: 0.5 },
  });
  const client = own(
    createMultiDbClient({
      client: { credentialsProvider },
      databases: servers.map(({ url }, index) => ({ client: { url }, weight: 2 - index })),
    }),
  );
  await client.connect();
  const ask = (...command: string[]) => client.sendCommand(command);
  const [connection, user] = [await ask('CLIENT', 'ID'), await ask('ACL', 'WHOAMI')];
  expect(user).toMatch(/^app-\d+$/);
  await waitFor(async () => (await ask('ACL', 'WHOAMI')) !== user, { what: 'the next user' });
  expect(await ask('CLIENT', 'ID')).toBe(connection);
  const standby = servers[1];
  const users = async () => String(await standby?.command('CLIENT', 'LIST', 'TYPE', 'normal'));
  await waitFor(async () => !(await users()).includes(`user=${user} `), { what: 'the standby' });

  void servers[0]?.kill();
  await waitFor(() => client.activeDatabase === client.databases[1]?.id, { what: 'the switch' });
  expect(await ask('ACL', 'WHOAMI')).toMatch(/^app-\d+$/);
  await client.close();
  await waitFor(() => credentialsProvider.getSubscriptionsCount() === 0, { what: 'the end' });
});
