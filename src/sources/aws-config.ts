/** The region from the environment and from the file of AWS's own tools. */
import type { Surroundings } from './source.js';

/** The region of the environment, else of the profile, else the one that AWS takes. */
export function region({ env, read }: Pick<Surroundings, 'env' | 'read'>): string {
  const given = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  return given ?? configured({ env, read }).get('region') ?? 'us-east-1';
}

function configured({ env, read }: Pick<Surroundings, 'env' | 'read'>): Map<string, string> {
  const profile = env['AWS_PROFILE'] ?? 'default';
  const name = profile === 'default' ? profile : `profile ${profile}`;
  return section(read(env['AWS_CONFIG_FILE'] ?? '~/.aws/config'), name);
}

/** The values of a section of a file of sections. */
export function section(text: string | null, wanted: string): Map<string, string> {
  const values = new Map<string, string>();
  let isWanted = false;
  for (const line of (text ?? '').split('\n')) {
    const trimmed = line.trim();
    if (trimmed.startsWith('[')) isWanted = trimmed === `[${wanted}]`;
    const equals = trimmed.indexOf('=');
    if (!isWanted || equals < 1 || /^[#;]/.test(trimmed)) continue;
    values.set(trimmed.slice(0, equals).trim().toLowerCase(), trimmed.slice(equals + 1).trim());
  }
  return values;
}
