/** Every event is documented with all fields of its payload, and no other. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './blocks.js';
import { page, section } from './names.js';

/** Declared as aliases by another event: its fields are not repeated. */
const SAME_AS_SWITCH = ['failover', 'failback'];

const source = ts.createSourceFile(
  'events.ts',
  readFileSync(path.join(root, 'src/events.ts'), 'utf8'),
  ts.ScriptTarget.ES2022,
  true,
);
const interfaces = new Map(
  source.statements.filter(ts.isInterfaceDeclaration).map((each) => [each.name.text, each]),
);
const docs = page('docs/events.md');

function fieldsOf(name: string): string[] {
  return (interfaces.get(name)?.members ?? []).map((member) =>
    (member.name as ts.Identifier | ts.StringLiteral).text.toString(),
  );
}

/** The type of the first element of an event's tuple; empty without a payload. */
function payloadOf(event: string): string {
  const member = interfaces
    .get('MultiDbEvents')
    ?.members.find((each) => (each.name as ts.Identifier).text === event);
  const tuple = (member as ts.PropertySignature).type as ts.TupleTypeNode;
  const [element] = tuple.elements;
  return element === undefined ? '' : (element as ts.NamedTupleMember).type.getText();
}

const events = fieldsOf('MultiDbEvents').map((name) => ({ name, payload: payloadOf(name) }));

it('has the events that there are', () => {
  expect(events.length).toBeGreaterThan(10);
  const documented = [...docs.prose.matchAll(/^### `([\w-]+)`$/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual(events.map(({ name }) => name).sort());
});

describe.each(events)('$name', ({ name, payload }) => {
  it('has every field of its payload', () => {
    const text = section(docs, `\`${name}\``);
    if (payload === '') expect(text).toContain('No payload.');
    const fields = SAME_AS_SWITCH.includes(name) ? [] : fieldsOf(payload);
    const rows = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    if (name === 'switch') expect(rows).toEqual(expect.arrayContaining(fields));
    else expect(rows.sort()).toEqual(fields.sort());
  });
});

it('has every reason of a switch', () => {
  const alias = source.statements
    .filter(ts.isTypeAliasDeclaration)
    .find((each) => each.name.text === 'SwitchReason');
  const reasons = [...(alias?.type.getText() ?? '').matchAll(/'([\w-]+)'/g)].map(([, one]) => one);
  const table = section(docs, '`switch`').split('| reason | the active database |')[1] ?? '';
  const documented = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map((match) => match[1]);
  expect(documented.sort()).toEqual(reasons.sort());
});
