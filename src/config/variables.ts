/** `${NAME}` and `${NAME:-default}` in strings; `$${` stands for `${` itself. */

export type Environment = Readonly<Record<string, string | undefined>>;

export type Substituted =
  | { readonly text: string; readonly used: readonly string[] }
  | { readonly missing: string }
  | { readonly malformed: string };

/** Matches only the start: an expression with the end takes quadratic time for a text of starts. */
const BEGIN = /\$(\$?)\{/g;
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Substitutes variables. A default is used if the variable is not set or empty, as in a shell.
 * Substituted values are not substituted again.
 */
export function substitute(text: string, environment: Environment): Substituted {
  const used: string[] = [];
  const parts: string[] = [];
  let from = 0;
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    parts.push(text.slice(from, begin.index));
    from = BEGIN.lastIndex;
    if (begin[1] === '$') {
      parts.push('${');
      continue;
    }
    const end = text.indexOf('}', from);
    const [, name, byDefault] = INSIDE.exec(end === -1 ? '' : text.slice(from, end)) ?? [];
    // The text inside may be part of a secret, so the message only states the rule.
    if (name === undefined) {
      return { malformed: '${NAME} or ${NAME:-default}, or $${ for the characters themselves' };
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    const isSet = value !== undefined && (value !== '' || byDefault === undefined);
    if (!isSet && byDefault === undefined) return { missing: name };
    used.push(name);
    parts.push(isSet ? value : (byDefault as string));
    from = end + 1;
    BEGIN.lastIndex = from;
  }
  return { text: parts.join('') + text.slice(from), used };
}
