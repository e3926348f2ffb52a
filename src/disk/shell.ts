/** Commands that an error tells the user to paste. */

const PLAIN = /^[\w@%+:,./-]+$/;
/** Characters that no message shows as they are, and no line that is pasted may have. */
const CONTROL = /\p{Cc}/gu;

/** A word as a shell takes it: nothing in it is special. With control characters it is bash's, zsh's and ksh's. */
export function shellWord(text: string): string {
  if (PLAIN.test(text)) return text;
  if (text.search(CONTROL) < 0) return `'${text.replaceAll("'", "'\\''")}'`;
  const inner = text
    .replace(/[\\']/g, '\\$&')
    .replace(CONTROL, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `$'${inner}'`;
}

/** A command with its operands; none of them is taken for an option. */
export function shellCommand(command: string, ...operands: string[]): string {
  const dashes = operands.some((operand) => operand.startsWith('-')) ? ['--'] : [];
  return `\`${[command, ...dashes, ...operands.map(shellWord)].join(' ')}\``;
}
