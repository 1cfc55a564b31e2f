// The API reference: one page per public symbol of each entry point, from its docstring, by TypeDoc.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { Application, ReflectionKind } from 'typedoc';
import { ENTRY_POINTS } from '../entry-points.mjs';
import { root } from '../run.mjs';

/**
 * Writes the pages into a directory. Throws after a warning: a public symbol without a docstring is one.
 * @param {string} directory
 */
export async function writeApiReference(directory) {
  rmSync(directory, { recursive: true, force: true });
  const app = await Application.bootstrapWithPlugins(
    /** @type {any} */ ({
      entryPoints: ENTRY_POINTS.map(({ entry }) => path.join(root, `src/${entry}.ts`)),
      tsconfig: path.join(root, 'tsconfig.build.json'),
      // `npm run types` checks the types, and needs gigabytes for that.
      skipErrorChecking: true,
      plugin: ['typedoc-plugin-markdown'],
      out: directory,
      readme: 'none',
      router: 'member',
      entryFileName: 'index.md',
      excludeInternal: true,
      excludePrivate: true,
      excludeProtected: true,
      excludeExternals: true,
      disableSources: true,
      hidePageHeader: true,
      hideBreadcrumbs: true,
      // Functions are checked below: here, members of conditional types would count as well.
      requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable'],
      // The second heading of each page of api/ lists types that are mentioned and not exported.
      validation: { notExported: false, invalidLink: true, notDocumented: true },
      ...Object.fromEntries(
        ['parameters', 'interfaceProperties', 'classProperties', 'typeAliasProperties'].map(
          (of) => [`${of}Format`, 'table'],
        ),
      ),
      propertyMembersFormat: 'table',
      typeDeclarationFormat: 'table',
      indexFormat: 'table',
      logLevel: 'Warn',
    }),
  );
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources');
  project.name = 'API reference';
  for (const module of project.children ?? []) {
    module.name = module.name === 'index' ? 'redis-multidb' : `redis-multidb/${module.name}`;
  }
  app.validate(project);
  const symbols = (project.children ?? []).flatMap((each) => each.children ?? []);
  for (const { kind, name, signatures = [] } of symbols) {
    if (kind !== ReflectionKind.Function) continue;
    if (!signatures.every((signature) => signature.hasComment())) {
      app.logger.warn(`${name}() has no docstring`);
    }
  }
  await app.generateOutputs(project);
  const { warningCount, errorCount } = app.logger;
  if (warningCount + errorCount > 0) {
    throw new Error(`API reference: ${warningCount} warnings, ${errorCount} errors of TypeDoc`);
  }
}
