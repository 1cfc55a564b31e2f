/** Asks before a change, describes its effect, and reports the result. */
import { el, find, setText } from './dom.js';

export interface Duration {
  readonly text: string;
  /** Undefined: the field is left out; null: without end. */
  readonly durationMs: number | null | undefined;
}

export interface Question {
  readonly title: string;
  readonly consequences: readonly string[];
  /** None: nothing is asked. */
  readonly durations: readonly Duration[];
  /** Index of the one that is chosen beforehand. Default: 0. */
  readonly preselected?: number;
  readonly confirm: string;
  /** Resolves to why it was refused, if it was; the dialog is closed otherwise. */
  perform?(durationMs: number | null | undefined): Promise<string | undefined>;
  /** Called when the dialog has been closed after a success. */
  done?(): void;
}

/** Shows something that must be read, until it is closed. */
export function tell(title: string, lines: readonly string[]): void {
  ask({ title, consequences: lines, durations: [], confirm: 'Close' });
  find('cancel').hidden = true;
  find('confirm').focus();
}

export function ask(question: Question): void {
  const dialog = find('dialog') as HTMLDialogElement;
  const form = dialog.querySelector('form') as HTMLFormElement;
  const durations = find('durations') as HTMLFieldSetElement;
  const confirm = find('confirm') as HTMLButtonElement;
  const refusal = find('refusal');
  setText(find('question'), question.title);
  find('consequences').replaceChildren(...question.consequences.map((line) => el('li', {}, line)));
  setText(confirm, question.confirm);
  setText(refusal, '');
  confirm.disabled = false;
  durations.hidden = question.durations.length === 0;
  durations.querySelectorAll('label').forEach((label) => {
    label.remove();
  });
  question.durations.forEach(({ text }, index) => {
    const input = el('input', { type: 'radio', name: 'duration', value: `${index}` });
    input.checked = index === (question.preselected ?? 0);
    durations.append(el('label', {}, input, text));
  });

  // Of this question alone: another one has its own.
  form.onsubmit = (event) => {
    event.preventDefault();
    const chosen = durations.querySelector('input:checked') as HTMLInputElement | null;
    if (question.perform === undefined) {
      dialog.close();
      return;
    }
    confirm.disabled = true;
    setText(refusal, '');
    question.perform(question.durations[Number(chosen?.value ?? 0)]?.durationMs).then((why) => {
      confirm.disabled = false;
      if (why === undefined) {
        dialog.close();
        question.done?.();
      } else setText(refusal, why);
    });
  };
  const cancel = find('cancel');
  cancel.hidden = false;
  cancel.onclick = () => dialog.close();
  dialog.showModal();
  cancel.focus();
}
