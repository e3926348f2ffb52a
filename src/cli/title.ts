/**
 * Names the process `sluice`, so that a listing of processes shows no URL (P12). Where the system
 * lets the title replace the whole command line, the arguments go with it.
 */
export function setTitle(): void {
  process.title = 'sluice';
}
