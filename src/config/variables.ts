/** `${NAME}` and `${NAME:-default}` in strings; `$${` stands for `${` itself. */

export type Environment = Readonly<Record<string, string | undefined>>;

export type Substituted =
  | { readonly text: string; readonly used: readonly string[] }
  | { readonly missing: string }
  | { readonly malformed: string };

const PLACE = /\$(\$?)\{([^}]*)\}|\$\{/g;
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Puts variables in. A default counts when the variable is not set or empty, as in a shell.
 * Values are not looked at again: what a variable holds is never substituted itself.
 */
export function substitute(text: string, environment: Environment): Substituted {
  const used: string[] = [];
  let problem: Substituted | undefined;
  const result = text.replace(PLACE, (whole, escaped: string | undefined, inside?: string) => {
    if (escaped === '$') return whole.slice(1);
    const [, name, byDefault] = INSIDE.exec(inside ?? '') ?? [];
    if (name === undefined) {
      // What stands inside may be half a secret; the rule is enough.
      problem ??= {
        malformed: '${NAME} or ${NAME:-default}, or $${ for the characters themselves',
      };
      return '';
    }
    used.push(name);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && (value !== '' || byDefault === undefined)) return value;
    if (byDefault === undefined) problem ??= { missing: name };
    return byDefault ?? '';
  });
  return problem ?? { text: result, used };
}
