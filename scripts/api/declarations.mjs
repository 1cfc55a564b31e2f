// Reads the declarations that the build has written below dist/: what an entry point exports, and
// which declaration of the package a name in a type means. Looks at the syntax alone, which takes
// milliseconds where a type checker takes seconds.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/**
 * One name of the package: an interface, a class, a function with all its overloads, ...
 * @typedef {{ key: string, name: string, file: string, nodes: ts.Statement[] }} Declaration
 */

export class Declarations {
  /** @type {Map<string, ts.SourceFile>} */
  #sources = new Map();
  /** @type {Map<string, Map<string, Declaration>>} */
  #exports = new Map();

  /** @param {string} directory */
  constructor(directory) {
    this.directory = directory;
  }

  /**
   * The declarations that an entry point exports, by their exported names, in order of the names.
   * @param {string} file relative to the directory
   * @returns {Map<string, Declaration>}
   */
  exportsOf(file) {
    let found = this.#exports.get(file);
    if (found === undefined) {
      found = this.#readExports(file);
      this.#exports.set(file, found);
    }
    return found;
  }

  /** @param {string} file */
  #readExports(file) {
    /** @type {Map<string, Declaration>} */
    const found = new Map();
    for (const statement of this.#source(file).statements) {
      if (ts.isExportDeclaration(statement)) {
        const { exportClause } = statement;
        if (exportClause === undefined)
          throw new Error(`${file} exports names that it does not list`);
        if (!ts.isNamedExports(exportClause)) throw new Error(`${file} exports a namespace`);
        for (const { name, propertyName } of exportClause.elements) {
          const local = (propertyName ?? name).text;
          const from = statement.moduleSpecifier;
          const declaration =
            from === undefined
              ? this.resolve(file, local)
              : this.#exported(fileOf(file, from), local);
          // A name of another package stands in that package's documentation.
          if (declaration !== undefined) found.set(name.text, declaration);
        }
      } else if (isExported(statement)) {
        for (const name of namesOf(statement)) {
          found.set(name, /** @type {Declaration} */ (this.#own(file, name)));
        }
      }
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * The declarations of the package that the types of `declaration` name.
   * @param {Declaration} declaration
   * @returns {Declaration[]}
   */
  namedBy({ file, nodes }) {
    /** @type {Map<string, Declaration>} */
    const found = new Map();
    /** @param {Declaration | undefined} each */
    const add = (each) => each !== undefined && found.set(each.key, each);
    /** @param {ts.Node} node */
    const visit = (node) => {
      if (isPrivate(node)) return;
      if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && node.qualifier) {
        const target = fileOf(file, node.argument.literal);
        add(this.#exported(target, leftmost(node.qualifier)));
      }
      const name = nameIn(node);
      if (name !== undefined && !isTypeParameter(node, name)) add(this.resolve(file, name));
      ts.forEachChild(node, visit);
    };
    for (const node of nodes) visit(node);
    return [...found.values()];
  }

  /**
   * What a name means inside a file: declared there or imported. Undefined for what another package
   * or the language declares.
   * @param {string} file
   * @param {string} name
   * @returns {Declaration | undefined}
   */
  resolve(file, name) {
    const own = this.#own(file, name);
    if (own !== undefined) return own;
    for (const statement of this.#source(file).statements) {
      if (!ts.isImportDeclaration(statement)) continue;
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      const element = bindings.elements.find((each) => each.name.text === name);
      if (element === undefined) continue;
      return this.#exported(
        fileOf(file, statement.moduleSpecifier),
        (element.propertyName ?? element.name).text,
      );
    }
    return undefined;
  }

  /**
   * A chunk exports declarations by names of its own.
   * @param {string | undefined} file undefined: of another package
   * @param {string} name
   * @returns {Declaration | undefined}
   */
  #exported(file, name) {
    return file === undefined ? undefined : this.exportsOf(file).get(name);
  }

  /**
   * @param {string} file
   * @param {string} name
   * @returns {Declaration | undefined}
   */
  #own(file, name) {
    const nodes = this.#source(file).statements.filter((each) => namesOf(each).includes(name));
    return nodes.length > 0 ? { key: `${file}#${name}`, name, file, nodes } : undefined;
  }

  /** @param {string} file */
  #source(file) {
    let source = this.#sources.get(file);
    if (source === undefined) {
      const text = readFileSync(path.join(this.directory, file), 'utf8');
      source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
      this.#sources.set(file, source);
    }
    return source;
  }
}

/**
 * Whether a member is private: it is in the declarations, and not part of the public types.
 * @param {ts.Node} node
 */
export function isPrivate(node) {
  if (!ts.isClassElement(node)) return false;
  if (node.name !== undefined && ts.isPrivateIdentifier(node.name)) return true;
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0;
}

/**
 * @param {string} from the file that imports
 * @param {ts.Expression} specifier
 * @returns {string | undefined} undefined: a file of another package
 */
function fileOf(from, specifier) {
  const { text } = /** @type {ts.StringLiteral} */ (specifier);
  if (!text.startsWith('.')) return undefined;
  return path.posix.join(path.posix.dirname(from), text.replace(/\.js$/, '.d.ts'));
}

/** @param {ts.Statement} statement */
function namesOf(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  ) {
    return statement.name === undefined ? [] : [statement.name.text];
  }
  return [];
}

/** @param {ts.Statement} statement */
function isExported(statement) {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  );
}

/**
 * The name that a node of a type refers to.
 * @param {ts.Node} node
 */
function nameIn(node) {
  if (ts.isTypeReferenceNode(node)) return leftmost(node.typeName);
  if (ts.isTypeQueryNode(node)) return leftmost(node.exprName);
  if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression)) {
    return node.expression.text;
  }
  return undefined;
}

/**
 * @param {ts.EntityName | ts.ImportTypeNode} name
 * @returns {string}
 */
function leftmost(name) {
  if (ts.isIdentifier(name)) return name.text;
  return ts.isQualifiedName(name) ? leftmost(name.left) : '';
}

/**
 * @param {ts.Node} node
 * @param {string} name
 */
function isTypeParameter(node, name) {
  for (let at = node; at !== undefined; at = at.parent) {
    const { typeParameters, typeParameter } =
      /** @type {{ typeParameters?: ts.NodeArray<ts.TypeParameterDeclaration>, typeParameter?: ts.TypeParameterDeclaration }} */ (
        /** @type {unknown} */ (at)
      );
    if (typeParameters?.some((each) => each.name?.text === name)) return true;
    if (typeParameter?.name.text === name) return true;
    if (ts.isConditionalTypeNode(at) && infersIn(at.extendsType, name)) return true;
  }
  return false;
}

/**
 * @param {ts.Node} node
 * @param {string} name
 * @returns {boolean}
 */
function infersIn(node, name) {
  if (ts.isInferTypeNode(node) && node.typeParameter.name.text === name) return true;
  return ts.forEachChild(node, (child) => infersIn(child, name) || undefined) === true;
}
