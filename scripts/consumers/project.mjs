// The project of one consumer: a directory that installs the packed package, and what runs in it.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from '../run.mjs';
import { withServers } from './servers.mjs';

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const TIMEOUT_MS = 600_000;

/** The project could not be set up: a registry or a binary is missing on this machine. */
export class NotAvailableError extends Error {}

/**
 * @param {string} file below test/consumers/apps/
 */
export function appText(file) {
  return readFileSync(path.join(root, 'test/consumers/apps', file), 'utf8');
}

/**
 * An application without types, as an ES module or as CommonJS, with the ending of its format.
 * @param {string} file
 * @param {'mjs' | 'cjs'} ending
 */
export function plainText(file, ending) {
  const { outputText } = ts.transpileModule(appText(file), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ending === 'mjs' ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
    },
  });
  return outputText.replace(/(["']\.\/\w+)\.js(["'])/g, `$1.${ending}$2`);
}

export class Project {
  /**
   * @param {string} directory
   * @param {object} [manifest] fields of its package.json
   */
  constructor(directory, manifest = {}) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    this.write('package.json', JSON.stringify({ private: true, ...manifest }, null, 2));
  }

  /**
   * @param {string} file
   * @param {string} text
   */
  write(file, text) {
    const target = path.join(this.directory, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** Writes the application in both formats: main.mjs and main.cjs. */
  writePlain() {
    for (const ending of /** @type {const} */ (['mjs', 'cjs'])) {
      for (const name of ['failover', 'main'])
        this.write(`${name}.${ending}`, plainText(`${name}.ts`, ending));
    }
  }

  /** @param {string[]} packages */
  async install(...packages) {
    try {
      await this.run('npm', ['install', ...QUIET, ...packages]);
    } catch (error) {
      throw new NotAvailableError(`npm install ${packages.join(' ')}: ${reasonOf(error)}`);
    }
  }

  /** @param {string} file path below node_modules */
  installed(file) {
    return path.join(this.directory, 'node_modules', file);
  }

  /**
   * Runs a program and returns its output, which is in the error when it fails.
   * @param {string} program
   * @param {string[]} args
   * @param {Record<string, string>} [env]
   * @returns {Promise<string>}
   */
  run(program, args, env = {}) {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: this.directory,
        env: { ...process.env, NODE_OPTIONS: '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // The option `timeout` keeps this process alive when the program does not exist.
        signal: AbortSignal.timeout(TIMEOUT_MS),
        killSignal: 'SIGKILL',
        shell: process.platform === 'win32' && program === 'npm',
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          output += text;
        });
      }
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve(output);
        else reject(new Error(`${[program, ...args].join(' ')}: ${signal ?? code}\n${output}`));
      });
    });
  }

  /**
   * Runs a program with two servers. It kills one, and has to print the switches or, if it is a
   * runner of tests, to pass.
   * @param {string} program
   * @param {string[]} args
   * @param {{ prints?: RegExp, env?: Record<string, string> }} [options]
   */
  async failsOver(program, args, { prints = /east -> west: health-check/, env = {} } = {}) {
    const output = await withServers(this.directory, (servers) =>
      this.run(program, args, { ...env, ...servers }),
    );
    if (!prints.test(output)) throw new Error(`${args.join(' ')} printed:\n${output}`);
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, 6).join('\n');
}
