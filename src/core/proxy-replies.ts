/** Error replies by which a proxy says that there is no server behind it to pass a command to. */

interface ProxyReply {
  readonly text: RegExp;
  /** `no`: the proxy had no connection to a server. */
  readonly executed: 'no' | 'perhaps';
}

const ENVOY: readonly ProxyReply[] = [
  { text: /^no upstream host$/, executed: 'no' },
  { text: /^upstream (failure|protocol error)$/, executed: 'perhaps' },
];

/** It passes on what the operating system says of its connection to the server. */
const TWEMPROXY: readonly ProxyReply[] = [
  { text: /^(ERR )?(Connection refused|No route to host|Network is unreachable)$/, executed: 'no' },
  {
    text: /^(ERR )?(Connection timed out|Connection reset by peer|Host is down)$/,
    executed: 'perhaps',
  },
];

const OTHERS: readonly ProxyReply[] = [
  { text: /^(ERR )?no available server\b/i, executed: 'no' },
  // As Predixy spells it.
  { text: /^ERR no server connection avaliable$/, executed: 'no' },
  { text: /^ERR server connection close$/, executed: 'perhaps' },
];

const KNOWN: readonly ProxyReply[] = [...ENVOY, ...TWEMPROXY, ...OTHERS];

/**
 * Whether the command may have been executed, if `text` is such a reply; undefined: it is none.
 * `more` are beginnings of further ones, of which it is not known.
 */
export function proxyReply(
  text: string,
  more: readonly string[] = [],
): 'no' | 'perhaps' | undefined {
  const known = KNOWN.find((each) => each.text.test(text));
  if (known !== undefined) return known.executed;
  return more.some((beginning) => text.startsWith(beginning)) ? 'perhaps' : undefined;
}
