import type { createClient } from '@redis/client';

export type InnerClient = ReturnType<typeof createClient>;
