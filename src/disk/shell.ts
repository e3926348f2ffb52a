/** Commands that an error tells the user to paste. */

/** A word as a POSIX shell takes it: nothing in it is special. */
export function shellWord(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command with its operands; none of them is taken for an option. */
export function shellCommand(command: string, ...operands: string[]): string {
  return `\`${command} -- ${operands.map(shellWord).join(' ')}\``;
}
