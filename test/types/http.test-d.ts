/** That the handler fits where it is to be used; checked by the compiler alone. */
import { createServer } from 'node:http';
import { type CommandParser, defineScript } from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';
import {
  type AuthorizeRequest,
  createHttpHandler,
  type HttpHandler,
  type Status,
} from 'redis-multidb/http';

const databases = [{ id: 'east', client: { url: 'redis://east.example.com' } }];

// Every client will do, whatever it was made with.
const handler: HttpHandler = createHttpHandler(createMultiDbClient({ databases }));
const script = defineScript({
  SCRIPT: 'return 1',
  NUMBER_OF_KEYS: 0,
  parseCommand(parser: CommandParser) {
    parser.push('1');
  },
  transformReply: undefined as unknown as () => number,
});
createHttpHandler(createMultiDbClient({ databases, client: { RESP: 3, scripts: { script } } }));

createServer(handler);
createServer(handler.node);
const response: Promise<Response> = handler.fetch(new Request('http://localhost/'));
response.then(({ status }) => status.toFixed());

createHttpHandler(createMultiDbClient({ databases }), {
  authorize: async ({ action, databaseId, headers }: AuthorizeRequest) => {
    // @ts-expect-error there is no such action
    if (action === 'delete') return false;
    return action === 'read' || (databaseId !== 'east' && headers.authorization === 'x');
  },
  read: 'any',
});
// @ts-expect-error only true and false decide
createHttpHandler(createMultiDbClient({ databases }), { authorize: () => 'yes' });
// @ts-expect-error there is no such option
createHttpHandler(createMultiDbClient({ databases }), { authorise: () => true });

const status = {} as Status;
const id: string | null = status.activeDatabase;
id?.length;
