/** The tables of flags and arguments in the form that oclif takes. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { ArgInput, FlagInput } from '@oclif/core/interfaces';
import type { ArgSpec, FlagSpec, FlagTable } from './flag-table.js';

type OclifFlag = FlagInput[string];

/** Flags for a command's static `flags`. */
export function oclifFlags(table: FlagTable): FlagInput {
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, oclifFlag(spec)]));
}

/** Arguments for a command's static `args`. Standard input is never taken for one. */
export function oclifArgs({ name, description, required }: ArgSpec): ArgInput {
  return { [name]: Args.string({ description, required, ignoreStdin: true }) };
}

function oclifFlag({ type, ...spec }: FlagSpec): OclifFlag {
  const options = structuredClone(spec) as Record<string, unknown>;
  if (options['multiple'] === true) options['multipleNonGreedy'] = true;
  if (type === 'boolean') options['default'] = false;
  const make = Flags[type] as (options: Record<string, unknown>) => OclifFlag;
  return make(options);
}
