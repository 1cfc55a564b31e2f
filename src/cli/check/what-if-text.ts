/** Formats the answers of `check --what-if` as text. */
import { type Paint, padEnd } from '../../terminal.js';
import type { WhatIfAnswer, WhatIfErrors } from '../../what-if/what-if.js';
import type { WhatIfReport } from './what-if.js';

const COLUMNS = [18, 14, 16, 14, 14] as const;

export function whatIfText(report: WhatIfReport, paint: Paint): string[] {
  const { answers, probesPerSecond, fleet } = report;
  const row = (cells: readonly string[]) =>
    `    ${cells.map((cell, index) => padEnd(cell, COLUMNS[index] ?? 0)).join('')}`;
  return [
    '',
    `  ${paint('bold', 'what if the active database is ...')} ${paint('dim', '(simulated, 10 commands per second)')}`,
    paint('dim', row(['', 'left after', 'first success', 'longest wait', 'back after'])),
    ...answers.flatMap((answer) => [
      row([
        answer.fault,
        answer.leftAfterMs === null ? 'stays' : time(answer.leftAfterMs),
        time(answer.firstSuccessAfterMs),
        time(answer.longestWaitMs),
        returned(answer),
      ]),
      ...answer.errors.map((error) => paint('dim', `      ${errorText(error)}`)),
    ]),
    '',
    `    Health checks of ${fleet} ${fleet === 1 ? 'process' : 'processes'}: ${(probesPerSecond * fleet).toFixed(1)} commands per second.`,
    '',
  ];
}

export function errorText({ command, code, maybeExecuted, count }: WhatIfErrors): string {
  return `${count} × ${command} ${code}, ${maybeExecuted ? 'perhaps executed' : 'not executed'}`;
}

function returned({ leftAfterMs, returnedAfterMs }: WhatIfAnswer): string {
  if (leftAfterMs === null) return '';
  return returnedAfterMs === null ? 'not by itself' : time(returnedAfterMs);
}

function time(ms: number | null): string {
  if (ms === null) return 'never';
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}
